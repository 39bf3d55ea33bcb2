"""How one begins: splash, welcome page, recent projects, a new project, files dropped on the window."""
