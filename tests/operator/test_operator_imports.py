import subprocess
import sys


def test_the_program_needs_no_library_that_its_image_lacks() -> None:
    script = (
        "import sys\n"
        "sys.modules |= dict.fromkeys(('dicognito', 'typer', 'rich'))\n"  # as if they were not installed
        "import adit_operator.__main__\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
