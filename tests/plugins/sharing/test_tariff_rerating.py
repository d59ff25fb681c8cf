"""Re-rating: the same readings give the same bytes, in another process and another order of hashing too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.sharing.tariffs import bench, bill, from_readings, read_json, read_toml
from plugins.sharing.tariffs.use import Circumstances
from tests.plugins.sharing.tariff_world import DATA, stored

RERATE = """
from plugins.sharing.tariffs import bench
print(bench.rate_all([bench.stored(name) for name in bench.TARIFFS], 40, "")[0])
"""


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    sums = set()
    for seed in ("0", "1", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", RERATE],
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": "Pacific/Auckland"},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        )
        sums.add(done.stdout)
    assert len(sums) == 1


def test_the_bench_rates_twice_and_says_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["500"]) == 0
    shown = capsys.readouterr().out
    assert "20 bills" in shown
    assert "the same bytes both times" in shown


def test_a_bill_written_down_is_ascii_json_with_sorted_names_and_whole_numbers() -> None:
    use = from_readings(bench.readings_of(3), Circumstances("Europe/Amsterdam"))
    written = bill(stored("car2go"), use).canonical()
    data = json.loads(written, parse_float=lambda text: pytest.fail(f"a float: {text}"))
    assert list(data) == sorted(data)
    assert data["tariff"] == stored("car2go").digest
    assert b" " not in written.split(b'"facts"')[0]


def test_the_tariff_loads_neither_flask_nor_a_database() -> None:
    program = "import sys, plugins.sharing.tariffs; print({'flask', 'sqlalchemy', 'babel'} & set(sys.modules))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_toml_and_json_of_the_same_tariff_are_the_same_version() -> None:
    import tomllib
    from decimal import Decimal

    text = (DATA / "sauna.toml").read_text()
    as_json = json.dumps(tomllib.loads(text, parse_float=Decimal), default=str)
    assert read_json(as_json).digest == read_toml(text).digest
    assert read_toml(text.replace("Sauna by", "Bath by")).digest != read_toml(text).digest
