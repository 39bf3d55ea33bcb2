"""Seeded renderer of the bundled hardware sample: small metal parts photographed from above on a table."""
