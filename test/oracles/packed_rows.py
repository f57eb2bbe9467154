"""Rows packed by the zstd library, for src/data/readRows.test.ts: two frames, and one to be skipped between them.

    python test/oracles/packed_rows.py        (zstandard 0.25.0)
"""

import json
from pathlib import Path

import zstandard

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "rows.jsonl.zst"


def main():
    rows = [{"i": i, "text": f"ü€𝄞 {'abc ' * (i % 400)}"} for i in range(3000)]
    text = "\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows).encode()
    compressor = zstandard.ZstdCompressor(level=19, write_checksum=True)
    skipped = bytes.fromhex("502a4d18") + (7).to_bytes(4, "little") + b"skipped"
    OUT.write_bytes(compressor.compress(text[:100_000]) + skipped + compressor.compress(text[100_000:]))


main()
