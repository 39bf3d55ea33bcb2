"""The verbs: import, train, predict, evaluate, export, as plain callables that put store and engine together."""
