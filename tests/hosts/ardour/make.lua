-- ardour7-lua make.lua SESSION FRAMES
-- Gives a session that ardour7-new_session made a stereo track "Song" with one silent region, whose
-- files tests/hosts/ardour.py fills: Ardour's Lua imports no audio without its editor.
local session, frames = arg[1], tonumber(arg[2])
AudioEngine:set_backend("None (Dummy)", "", "")
assert(load_session(session, "session"), "cannot open the session")
Session:cfg():set_use_region_fades(false)

local track = Session:new_audio_track(2, 2, nil, 1, "Song", ARDOUR.PresentationInfo.max_order,
                                      ARDOUR.TrackMode.Normal, true):front():to_track()
local region = track:bounce_range(0, frames, ARDOUR.InterThreadInfo(), ARDOUR.LuaAPI.nil_proc(),
                                  false, "song")
track:playlist():add_region(region, Temporal.timepos_t(0), 1, false, 0, 0, false)
track:panner_shell():set_bypassed(true)
Session:master_out():panner_shell():set_bypassed(true)
assert(Session:save_state("", false, false, false, false, false) == 0)
