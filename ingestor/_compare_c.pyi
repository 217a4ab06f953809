from ingestor.known import Known
from ingestor.rows import Observed, Rows

def compare(rows: Rows, known: Known, *, observer: str, every: int) -> Observed: ...
