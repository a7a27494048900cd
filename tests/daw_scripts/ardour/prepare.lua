-- ardour7-lua prepare.lua SESSION START POSITION LENGTH NAME
-- Has the region of a session of make.lua show a part of its file, elsewhere, with fades and gain.
AudioEngine:set_backend("None (Dummy)", "", "")
assert(load_session(arg[1], "session"), "cannot open the session")
Session:cfg():set_use_region_fades(true)
for region in Session:route_by_name("Song"):to_track():playlist():region_list():iter() do
  local start, position, length = tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])
  region:trim_to(Temporal.timepos_t(start), Temporal.timecnt_t.from_samples(length))
  region:set_position(Temporal.timepos_t(position))
  region:set_name(arg[5])
  local audio = region:to_audioregion()
  audio:set_fade_in_shape(ARDOUR.FadeShape.FadeConstantPower)
  audio:set_fade_in_length(4800)
  audio:set_fade_in_active(true)
  audio:set_fade_out_length(9600)
  audio:set_fade_out_active(true)
  audio:set_scale_amplitude(0.8)
end
assert(Session:save_state("", false, false, false, false, false) == 0, "it was not saved")
