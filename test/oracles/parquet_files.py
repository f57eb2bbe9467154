"""Small Parquet files written by pyarrow, and what they hold, for src/data/parquet.test.ts.

    python test/oracles/parquet_files.py
"""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "parquet"

VERDICTS = pa.list_(pa.bool_())
SCHEMA = pa.schema(
    [
        ("problem", pa.string()),
        ("answer", pa.string()),
        ("problem_is_valid", pa.string()),
        ("source", pa.string()),
        ("synthetic", pa.bool_()),
        ("generations", pa.list_(pa.string())),
        ("generations_count", pa.int64()),
        (
            "correctness",
            pa.struct(
                [
                    ("llama_verification", VERDICTS),
                    ("math_verify_answer", VERDICTS),
                    ("math_verify_reparsed_answer", VERDICTS),
                ]
            ),
        ),
        ("reparsed_answers", pa.list_(pa.string())),
        ("nested", pa.list_(pa.list_(pa.int32()))),
        ("score", pa.float64()),
    ]
)


def row(i):
    """Nulls, empty lists, lists with nulls and texts beyond ASCII, each in some rows."""
    count = i % 4
    generations = None if i % 11 == 10 else [f"<think>\nπ² ≈ {i}·{k} 🙂\n</think>\n\\boxed{{{k}}}" for k in range(count)]
    verdict = [None if (i + k) % 5 == 0 else (i + k) % 2 == 0 for k in range(count)]
    correctness = {
        "llama_verification": None if i % 3 == 2 else verdict,
        "math_verify_answer": verdict,
        "math_verify_reparsed_answer": verdict[:-1] if i % 7 == 6 else verdict,
    }
    return {
        "problem": None if i % 13 == 12 else f"What is {i} + {i}?",
        "answer": None if i % 6 == 5 else str(2 * i),
        "problem_is_valid": [None, "Yes", "Incomplete"][i % 3],
        "source": ["olympiads", "cn_k12"][i % 2],
        "synthetic": i % 2 == 0,
        "generations": generations,
        "generations_count": 2**40 + i,
        "correctness": None if i % 9 == 8 else correctness,
        "reparsed_answers": [None, str(i)] if i % 4 == 3 else [],
        "nested": None if i % 5 == 4 else [[1, i], [], [None]][: i % 4],
        "score": None if i % 4 == 0 else i / 8,
    }


NUMBERS = pa.schema(
    [
        ("id", pa.int64()),
        ("unsigned", pa.uint64()),
        ("price", pa.decimal128(12, 2)),
        ("answer", pa.decimal128(38, 12)),
        ("answers", pa.list_(pa.decimal128(30, 6))),
    ]
)


def numbers():
    """Numbers that a double holds, and such as it does not."""
    texts = ["9007199254740993", "-12345678901234567890.123456", "0.1", None, "-1", "0.000001"]
    for i, text in enumerate(texts):
        number = None if text is None else Decimal(text)
        yield {
            "id": [2**53 + 1, -(2**63), 7, None, 2**63 - 1, -5][i],
            "unsigned": [2**64 - 1, 0, 2**53 - 1, None, 2**53, 1][i],
            "price": None if i == 3 else Decimal(i * 1234567890 - 1) / 100,
            "answer": number,
            "answers": [None if number is None else number.quantize(Decimal("0.000001"))] * (i % 3),
        }


def as_json(value):
    """JSON with the digits of decimals as they are, which is what the `Decimal` of a row says."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{as_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rows = [row(i) for i in range(60)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    for codec in ["snappy", "zstd", "gzip", "none"]:
        # Small pages, so that columns have several that end at different rows, and lists may reach over two.
        pq.write_table(
            table,
            OUT / f"{codec}.parquet",
            compression=codec,
            row_group_size=25,
            data_page_size=256,
            write_batch_size=4,
            write_page_index=codec != "gzip",
            data_page_version="2.0" if codec == "zstd" else "1.0",
            use_dictionary=codec in ("gzip", "none"),
        )
    pq.write_table(table.slice(0, 0), OUT / "empty.parquet")
    (OUT / "rows.json").write_text(json.dumps(rows, ensure_ascii=False, indent=None) + "\n", encoding="utf-8")
    rows = list(numbers())
    table = pa.Table.from_pylist(rows, schema=NUMBERS)
    pq.write_table(table, OUT / "numbers.parquet", store_decimal_as_integer=True, compression="none")
    (OUT / "numbers.jsonl").write_text("".join(as_json(row) + "\n" for row in table.to_pylist()), encoding="utf-8")


main()
