"""The rules: no database, no network, no files, no settings. Time is passed in; chance is the system's, or is too."""
