from benchmarks.samples import MEMORY_LIMIT, Result, Row, Sample, exit_code
from benchmarks.table import render
from benchmarks.variants import Cost


def row(name: str, *walls: float, size: int = 1_000_000, instances: int = 10, peak: int = 1, problem: str = "") -> Row:
    samples = tuple(Sample(Cost(wall, wall / 2, peak, {"list s": wall / 4}, problem), 0.1, 0.0) for wall in walls)
    return Row(name, instances, size, samples, is_runner=name == "adit run")


def result(*rows: Row, wanted: int = 3) -> Result:
    return Result("ct", "ten slices", wanted, rows)


def cells(text: str, name: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_tells_the_median_and_the_range() -> None:
    assert cells(render(result(row("dcmtk", 9.0, 1.0, 2.0))), "dcmtk")[2:6] == ["3", "2.00 (1.00–9.00)", "5", "0.5"]


def test_the_ratio_is_to_dcmtk_with_the_same_study() -> None:
    text = render(result(row("dcmtk", 4.0, size=7), row("dcmtk", 2.0), row("pipeline", 5.0)))
    assert cells(text, "pipeline")[6] == "2.50"


def test_there_is_no_ratio_to_a_row_that_means_nothing() -> None:
    assert cells(render(result(row("dcmtk", 2.0, problem="refused"), row("pipeline", 5.0))), "pipeline")[6] == ""


def test_one_bad_repetition_makes_a_row_invalid_and_says_why() -> None:
    bad = Row("pipeline", 10, 1, (*row("pipeline", 1.0).samples, *row("pipeline", 1.0, problem="lacks 1|2").samples))
    assert cells(render(result(bad)), "pipeline")[3] == "INVALID: lacks 1/2"
    assert exit_code([result(bad)], 1) == 1


def test_parts_are_medians_too() -> None:
    assert cells(render(result(row("pipeline", 4.0, 8.0, 40.0))), "pipeline")[-1] == "list s 2.00"


def test_everything_measured_and_held_is_success() -> None:
    assert exit_code([result(row("dcmtk", 1.0), row("adit run", 1.0, peak=MEMORY_LIMIT))], 1) == 0


def test_a_runner_above_its_memory_is_a_failure() -> None:
    greedy = result(row("adit run", 1.0, peak=MEMORY_LIMIT + 1))
    assert "EXCEEDED" in render(greedy)
    assert exit_code([greedy], 1) == 1


def test_the_memory_of_other_programs_is_not_limited() -> None:
    assert exit_code([result(row("pipeline", 1.0, peak=MEMORY_LIMIT + 1))], 1) == 0


def test_a_scenario_that_was_not_measured_is_a_failure() -> None:
    assert exit_code([result(row("dcmtk", 1.0))], 2) == 1
    assert exit_code([result(row("dcmtk"))], 1) == 1


def test_missing_repetitions_are_told() -> None:
    assert "1 of 3 repetitions" in render(result(row("dcmtk", 1.0)))


def test_the_growth_of_a_runner_between_sizes_is_told() -> None:
    small, large = row("adit run", 1.0, instances=100, peak=80_000_000), row("adit run", 1.0, size=9, peak=81_500_000)
    assert "From 10 to 100 instances the runner's peak changed by -1.5 MB" in render(result(small, large))
