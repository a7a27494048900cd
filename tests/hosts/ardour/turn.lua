-- ardour7-lua turn.lua KEY=VALUE ...
-- Opens a session of play.lua whose track has the plug-in, sets the parameter `name` to `value` as
-- a user does, and saves the session.
--   session, kind   as for play.lua
io.stdout:setvbuf("no")
local asked = {}
for _, pair in ipairs(arg) do
  local key, value = pair:match("^(%w+)=(.*)$")
  asked[key] = value
end
AudioEngine:set_backend("None (Dummy)", "", "")
assert(load_session(asked.session, "session"), "cannot open the session")
local processor = Session:route_by_name("Song"):nth_plugin(0)
assert(not processor:isnil(), "the plug-in is not there")

-- An LV2 by JUCE has properties instead of control ports. What automates them has no name in Lua:
-- its type is the one behind that of ports, its numbers are those that Ardour gave to URIs.
local type, count = ARDOUR.AutomationType.PluginAutomation,
                    processor:to_insert():plugin(0):parameter_count()
if asked.kind == "LV2" then type, count = type + 1, 10000 end
local control
for id = 0, count - 1 do
  local found = processor:to_automatable():automation_control(Evoral.Parameter(type, 0, id), false)
  if not found:isnil() and found:desc().label == asked.name then control = found end
end
control:set_value(tonumber(asked.value), PBD.GroupControlDisposition.NoGroup)
sleep(3) -- it travels with a block
assert(Session:save_state("", false, false, false, false, false) == 0, "it was not saved")
