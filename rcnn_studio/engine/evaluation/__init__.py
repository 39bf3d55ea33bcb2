"""How good detections are. Needs no torch: numpy, pycocotools and faster-coco-eval only."""
