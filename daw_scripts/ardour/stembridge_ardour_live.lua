-- Puts the plugin on each selected track, right before its fader, and makes a bus for each stem. The
-- plugin's main pair stays unconnected: the stems sum to it, so that it would be heard twice.
local shared, options = ...

local KINDS = {
  { "VST3", "ABCDEF019182FAEB537462725374656D" },
  { "LV2", "urn:stembridge:stem-bridge" },
}
-- The first of the two outputs of each bus of the plugin, which begins with Main.
local OUTPUTS = { vocals = 2, drums = 4, bass = 6, other = 8, guitar = 10, piano = 12 }
local ALL_OUTPUTS = 14

local function new_plugin()
  for _, kind in ipairs(KINDS) do
    local plugin = ARDOUR.LuaAPI.new_plugin(Session, kind[2], ARDOUR.PluginType[kind[1]], "")
    if not plugin:isnil() then return plugin end
  end
  error("Ardour does not know the Stem Bridge plugin. Run `stembridge plugin install` in a terminal, "
    .. "then scan in Window > Plugin Manager.", 0)
end

-- What add_processor_by_index takes to come right before the fader; it counts what the mixer shows.
local function index_of_fader(route)
  local fader = route:amp():to_stateful():id()
  local index, shown = 0, 0
  while true do
    local processor = route:nth_processor(index)
    if processor:isnil() or processor:to_stateful():id() == fader then return shown end
    if processor:display_to_user() then shown = shown + 1 end
    index = index + 1
  end
end

local function has_plugin(route)
  local index = 0
  while not route:nth_plugin(index):isnil() do
    local insert = route:nth_plugin(index):to_insert()
    for _, kind in ipairs(KINDS) do
      if not insert:isnil() and insert:plugin(0):unique_id() == kind[2] then return true end
    end
    index = index + 1
  end
  return false
end

-- Raises what stands in the way of splitting a track.
local function check(track)
  local name = track:name()
  if has_plugin(track) then
    error(("Track '%s' has Stem Bridge already: remove it there first."):format(name), 0)
  end
  if track:n_inputs():n_audio() > 2 or track:n_inputs():n_audio() == 0 then
    error(("Track '%s' has %d audio channels: Stem Bridge takes mono and stereo.")
      :format(name, track:n_inputs():n_audio()), 0)
  end
end

local function insert_plugin(track)
  local plugin, was_strict = new_plugin(), track:strict_io()
  track:set_strict_io(false) -- else the track keeps Main alone
  local failed = track:add_processor_by_index(plugin, index_of_fader(track), nil, true) ~= 0
  local outputs = track:n_outputs():n_audio()
  if not failed and outputs == ALL_OUTPUTS then return end
  if not failed then track:remove_processor(plugin, nil, true) end
  track:set_strict_io(was_strict)
  error(("The plugin does not fit on track '%s', which would have %d outputs with it where %d are "
    .. "needed: see to the plugins behind its fader."):format(track:name(), outputs, ALL_OUTPUTS), 0)
end

local function split(track)
  insert_plugin(track)
  track:output():disconnect_all(nil)
  track:panner_shell():set_bypassed(true) -- it would mix the pairs
  for number, stem in ipairs(options.stems) do
    local name = shared.free_name(track:name() .. " " .. shared.title_of(stem))
    local bus = Session:new_audio_route(2, 2, nil, 1, name, ARDOUR.PresentationInfo.Flag.AudioBus,
                                        shared.order_after(track) + number - 1):front()
    for side = 0, 1 do
      track:output():audio(OUTPUTS[stem] + side):connect(bus:input():audio(side):name())
    end
  end
end

for _, stem in ipairs(options.stems) do
  if not OUTPUTS[stem] then
    error(("The plugin has no stem '%s': use vocals, drums, bass, other, guitar or piano."):format(stem), 0)
  end
end
local tracks = {}
for route in Editor:get_selection().tracks:routelist():iter() do
  local track = route:to_track()
  if not track:isnil() and not track:to_audio_track():isnil() then tracks[#tracks + 1] = track end
end
if #tracks == 0 then error("Select the audio track to split.", 0) end
for _, track in ipairs(tracks) do check(track) end
for _, track in ipairs(tracks) do split(track) end
return nil
