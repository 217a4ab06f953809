"""Empty until the lake can export and the insights can draw."""

from fastapi import APIRouter

router = APIRouter()
