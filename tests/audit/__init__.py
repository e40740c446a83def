"""What the auditor is made of: `tests.auditor.audit` asks each of these."""
