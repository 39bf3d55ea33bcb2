"""What is seen: widgets by activity. They hold no truth; they read workspace objects and repaint on their signals."""
