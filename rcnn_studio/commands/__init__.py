"""The subcommands of the command line, a file each: options in, a task, an Answer out. cli.py has their table.

They import neither Qt nor torch.
"""
