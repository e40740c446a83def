"""Looking for issues: `language` reads what somebody typed, `finding` turns it into a queryset."""
