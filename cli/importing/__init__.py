"""Imports: the archives of other systems, read into a folder of drafts.

One module per system reads an archive and yields neutral records (`records`). Everything after that is the same for all
of them: addresses are given out (`directory`), texts are completed (`completion`), files are written (`writer`), and
what happened is reported (`report`). Nothing here is loaded by a function on Lambda.
"""
