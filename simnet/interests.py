"""What people care about: each account belongs to one group, and a group's accounts share fans."""

from typing import Final

INTERESTS: Final[dict[str, tuple[str, ...]]] = {
    "running": ("running", "marathon", "trails", "intervals"),
    "football": ("football", "goals", "derby", "stadium"),
    "fashion": ("fashion", "streetwear", "vintage", "tailoring"),
    "cooking": ("cooking", "recipes", "sourdough", "spices"),
    "travel": ("travel", "backpacking", "islands", "railways"),
    "photography": ("photography", "analogue", "portraits", "darkroom"),
    "music": ("music", "vinyl", "synths", "choir"),
    "gaming": ("gaming", "speedruns", "pixelart", "roguelikes"),
    "gardening": ("gardening", "compost", "seedlings", "roses"),
    "books": ("books", "novels", "poetry", "libraries"),
}
"""Groups by name, each with the words its people use of themselves; no word is two groups'."""

GROUPS: Final = tuple(INTERESTS)
