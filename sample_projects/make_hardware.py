"""Make the bundled hardware sample: python sample_projects/make_hardware.py OUT --seed 7."""

from __future__ import annotations

import argparse
from pathlib import Path

from hardware_generator.dataset import IMAGES, TRAIN, write_sample


def main() -> None:
    """Read the command line and write the sample."""
    parser = argparse.ArgumentParser(description="Render the bundled hardware sample in the PASCAL VOC layout.")
    parser.add_argument("out", type=Path, help="folder to write into")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--images", type=int, default=IMAGES, help="how many images to make")
    parser.add_argument("--train", type=int, default=TRAIN, help="how many of them go to train.txt")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes; the result does not depend on it")
    args = parser.parse_args()
    write_sample(args.out, args.seed, args.images, args.train, args.jobs)


if __name__ == "__main__":
    main()
