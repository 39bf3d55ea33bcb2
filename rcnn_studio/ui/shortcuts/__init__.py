"""The shortcut editor: a field that takes a key, the keys of one action, and the list of all of them."""
