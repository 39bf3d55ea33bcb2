"""The Train activity: settings, live plots, runs."""
