"""The same targets under atheris (libFuzzer), where that is installed: it sees every branch of every input.

`python -m tests.fuzz.guided CODEC TARGET [--executions N] [--seed S]`; `pip install atheris` first. Prints libFuzzer's
own lines (cov: branches reached so far) and stops at the first exception that is no FormatError. Not a dependency of
the project or of its tests.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import warnings
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("codec")
    parser.add_argument("target")
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        raise SystemExit("atheris is not installed: python -m pip install atheris (or use tests.fuzz.run)") from None
    with atheris.instrument_imports(include=["rcnn_studio"]):
        from rcnn_studio.domain.errors import FormatError
        from tests.fuzz.run import COMMON_TOKENS, MAX_INPUT, targets_of

        targets = {target.name: target for target in targets_of(options.codec)}
    if options.target not in targets:
        raise SystemExit(f"no target {options.target!r}; there are {', '.join(targets)}")
    target = targets[options.target]
    warnings.simplefilter("ignore")
    logging.disable()

    def call(data: bytes) -> None:
        try:
            target.call(data)
        except FormatError:
            return

    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))  # libFuzzer ends the process itself, so this one stays
    (folder / "corpus").mkdir()
    for number, seed in enumerate(target.seeds):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed)
    tokens = ("".join(f"\\x{byte:02x}" for byte in token) for token in (*COMMON_TOKENS, *target.tokens) if token)
    (folder / "tokens").write_text("".join(f'"{token}"\n' for token in tokens if len(token) < 400))
    limits = (f"-runs={options.executions}", f"-seed={options.seed}", f"-max_len={MAX_INPUT}", "-timeout=10")
    arguments = (f"-dict={folder / 'tokens'}", f"-artifact_prefix={folder}/", str(folder / "corpus"))
    atheris.Setup([sys.argv[0], *limits, *arguments], call)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
