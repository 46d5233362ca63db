"""Rules of this house that no general linter knows, checked in the code's syntax trees. Standard library only.

Each rule has a name and is about one way in which a bank goes wrong unnoticed. Where a line is right all the same, a
comment on it says why, after the rule's name: `# float-money: a number of the JSON schema`. A comment that explains
nothing is a finding, too.
"""
