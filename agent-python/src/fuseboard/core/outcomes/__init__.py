"""What an outcome is made of: names, codes, statuses, causes and texts."""
