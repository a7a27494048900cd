-- ardour7-lua export.lua SESSION NAME FOLDER FRAMES
-- Opens the session SESSION/NAME.ardour, says what is on its tracks, exports FRAMES of its master to
-- FOLDER/export.wav, and saves it.
local session, name, folder, frames = arg[1], arg[2], arg[3], tonumber(arg[4])
AudioEngine:set_backend("None (Dummy)", "", "")
assert(load_session(session, name), "cannot open the session")
for route in Session:get_routes():iter() do
  local track = route:to_track()
  if not track:isnil() then
    for region in track:playlist():region_list():iter() do
      print("region", region:position():samples(), region:length():samples(),
            region:start():samples(), route:muted(), route:name())
    end
  end
end
print("session", Session:nominal_sample_rate(), Session:current_start_sample(),
      Session:current_end_sample())
local export = Session:simple_export()
export:set_folder(folder)
export:set_name("export")
assert(export:set_preset("11111111-2222-4333-8444-555555555555"), "no preset")
export:set_range(0, frames)
print("exported", export:run_export())
assert(Session:save_state("", false, false, false, false, false) == 0, "it was not saved")
