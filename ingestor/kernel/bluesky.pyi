from datetime import datetime

from ingestor.contract import Page

def read(body: bytes, observed_at: datetime, parser: int) -> Page | None: ...
