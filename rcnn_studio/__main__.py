"""`python -m rcnn_studio`."""

from rcnn_studio.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
