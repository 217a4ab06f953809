"""`python -m api > docs/openapi.json`: write the description of the API anew."""

import json
import sys

from api.app import description

if __name__ == "__main__":
    json.dump(description(), sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")
