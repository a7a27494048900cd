"""What DAWs open: the tracks of a song as a DAWproject file, an Ardour session, a REAPER project.

`description` says what is on the tracks. Each other module is one form of it, and pure but for
`dawproject.write`, which copies audio.
"""
