"""Boxes given to a Fast R-CNN: found by Selective Search or by an RPN, kept on disk, judged before training."""

from rcnn_studio.engine.proposals.making import dump, prepare, proposer
from rcnn_studio.engine.proposals.table import ProposalTable, RecallReport, recall

__all__ = ["ProposalTable", "RecallReport", "dump", "prepare", "proposer", "recall"]
