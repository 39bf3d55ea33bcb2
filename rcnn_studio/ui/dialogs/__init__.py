"""What opens over the window and is about no single activity: settings, keys, commands, export, splits, about."""
