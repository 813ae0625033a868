"""The demo organization: Kestrel Field Research, with real makers, people of many cultures and a year of history."""
