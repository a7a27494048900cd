-- ardour7-lua play.lua KEY=VALUE ...
-- Opens a session of make.lua and does what the keys ask for, in this order:
--   session, block   its folder, and frames of the engine's blocks
--   place, kind, id  inserts the plug-in on the track, on a bus behind it, or on the master, and
--                    saves the session
--   vary=FRAMES      cuts blocks at random places, so many frames apart at most: Ardour splits them
--                    at the points of an automated parameter; this one moves nothing heard
--   sleep=SECONDS    waits before what comes, as if somebody thought about it
--   export=FOLDER    exports the first `frames` frames of all channels of the master
--   bounce=NAME      bounces them through the track's plug-in, which is told nothing
io.stdout:setvbuf("no")
local asked = {}
for _, pair in ipairs(arg) do
  local key, value = pair:match("^(%w+)=(.*)$")
  asked[key] = value
end
local frames = tonumber(asked.frames)
local kinds = { VST3 = ARDOUR.PluginType.VST3, LV2 = ARDOUR.PluginType.LV2 }
local idle = { VST3 = "Piano Gain", LV2 = "Enabled" }

AudioEngine:set_backend("None (Dummy)", "", ""):set_buffer_size(tonumber(asked.block))
assert(load_session(asked.session, "session"), "cannot open the session")
local track, master = Session:route_by_name("Song"), Session:master_out()

local function connect(from, to)
  from:output():disconnect_all(nil)
  for channel = 0, from:n_outputs():n_audio() - 1 do
    from:output():audio(channel):connect(to:input():audio(channel):name())
  end
end

local function insert()
  local route = track
  if asked.place == "bus" then
    route = Session:new_audio_route(2, 2, nil, 1, "Stems", ARDOUR.PresentationInfo.Flag.AudioBus,
                                    ARDOUR.PresentationInfo.max_order):front()
    route:panner_shell():set_bypassed(true)
    connect(track, route)
  elseif asked.place == "master" then
    route = master
    connect(track, master)
  end
  local plugin = ARDOUR.LuaAPI.new_plugin(Session, asked.id, kinds[asked.kind], "")
  assert(not plugin:isnil(), "the plug-in was not found")
  assert(route:add_processor_by_index(plugin, 0, nil, true) == 0, "it was not inserted")
  if asked.place ~= "master" then connect(route, master) end
end

local function inserted()
  for _, name in ipairs({ "Song", "Stems", "Master" }) do
    local route = Session:route_by_name(name)
    local processor = route:isnil() and route or route:nth_plugin(0)
    if not processor:isnil() then return processor end
  end
end

local function vary(processor, most)
  local plugin = processor:to_insert():plugin(0)
  local index, nth = 0, 0
  while plugin:parameter_label(index) ~= idle[asked.kind] do
    if plugin:parameter_is_control(index) then nth = nth + 1 end
    index = index + 1
  end
  local _, control = ARDOUR.LuaAPI.plugin_automation(processor, nth)
  assert(not control:isnil(), "nothing to automate")
  local value = control:eval(Temporal.timepos_t(0))
  local other = 0.75 * value
  math.randomseed(1)
  local at = 0
  while at < frames do
    control:add(Temporal.timepos_t(at), value, false, false)
    value, other = other, value -- of equal ones Ardour keeps the first and the last
    at = at + math.random(most)
  end
  local parameter = Evoral.Parameter(ARDOUR.AutomationType.PluginAutomation, 0, index)
  processor:to_automatable():automation_control(parameter, false)
      :set_automation_state(ARDOUR.AutoState.Play)
  print("points", control:size())
end

if asked.place then insert() end
local processor = inserted()
if asked.vary then vary(processor, tonumber(asked.vary)) end
local latency = processor:to_insert():signal_latency()
print("latency", latency)
-- Threads of its own make Ardour know of it. An export that begins meanwhile begins with silence.
for _ = 1, 100 do
  if math.min(Session:worst_route_latency(), Session:worst_latency_preroll()) >= latency then break end
  sleep(0.1)
end
if asked.place then
  assert(Session:save_state("", false, false, false, false, false) == 0, "it was not saved")
end

sleep(tonumber(asked.sleep or "0"))
if asked.export then
  local export = Session:simple_export()
  export:set_folder(asked.export)
  export:set_name("export")
  assert(export:set_preset("11111111-2222-4333-8444-555555555555"), "no preset")
  export:set_range(0, frames)
  print("exported", export:run_export())
end
if asked.bounce then
  local region = track:to_track():bounce_range(0, frames, ARDOUR.InterThreadInfo(), processor,
                                               true, asked.bounce)
  print("bounced", not region:isnil())
end
-- Ardour prepares the plug-in for its own blocks again with the next one that it plays.
for _ = 1, 5 do
  if processor:to_insert():signal_latency() == latency then break end
  sleep(1)
end
print("after", processor:to_insert():signal_latency())
