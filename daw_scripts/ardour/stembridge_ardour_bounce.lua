-- Bounces the selected audio regions to stem tracks. What a track plays where a region is, with its
-- fades and gain, goes into a file; `stembridge bounce` separates it; the stems are imported and put
-- in the same place without fades or gain. So their sum is what was heard before.
local shared, options = ...
local json = shared.load("stembridge_json.lua")()
local job = shared.load("stembridge_job.lua")()(json, { macos = shared.is_mac() })
local write_audio, MOST_BYTES = shared.load("stembridge_ardour_read.lua")()

-- The selected regions, in order of their position: {region, track, start, length, channels}.
local function selected()
  local found = {}
  for region in Editor:get_selection().regions:regionlist():iter() do
    if not region:to_audioregion():isnil() then
      local id = region:to_stateful():id()
      for route in Session:get_tracks():iter() do
        local track = route:to_track()
        if not track:playlist():region_by_id(id):isnil() then
          found[#found + 1] = { region = region, track = track, start = region:position():samples(),
                                length = region:length():samples() }
        end
      end
    end
  end
  table.sort(found, function(one, other) return one.start < other.start end)
  return found
end

local function is_selected(all, region)
  for _, part in ipairs(all) do
    if part.region:to_stateful():id() == region:to_stateful():id() then return true end
  end
  return false
end

-- Raises what stands in the way of a region's bounce.
local function check(part, all)
  local name = part.region:name()
  if part.region:muted() then error(("Region '%s' is muted: unmute it first."):format(name), 0) end
  part.channels = 1
  local stop = Temporal.timepos_t(part.start + part.length - 1)
  for region in part.track:playlist():regions_touched(part.region:position(), stop):iter() do
    if not region:muted() and not is_selected(all, region) then
      error(("Region '%s' lies over or under '%s': select both, or mute one."):format(region:name(), name), 0)
    end
    local audio = region:to_audioregion()
    if not region:muted() then part.channels = math.max(part.channels, audio:n_channels()) end
  end
  if part.channels > 2 then
    error(("Region '%s' has %d channels: Stem Bridge takes mono and stereo."):format(name, part.channels), 0)
  end
  if part.length * part.channels * 4 > MOST_BYTES then
    error(("Region '%s' is longer than a WAV file can be: split it."):format(name), 0)
  end
end

-- Bounces one region in `folder`, which exists. Returns its stems, or nil where it was cancelled.
local function bounce(part, folder, tick)
  local input, out = job.join(folder, "region.wav"), job.join(folder, "stems")
  local done = write_audio(part, input, function(share) return tick(0.1 * share, "reading the region") end)
  if not done then return nil end
  local run = job.start(job.arguments(options, input, out), folder)
  local state = run:poll()
  while state == "running" do
    if tick(0.1 + 0.9 * run.fraction, run.cancelled and "ending" or "separating") then run:cancel() end
    ARDOUR.LuaAPI.usleep(100000)
    state = run:poll()
  end
  run:clean()
  os.remove(input)
  part.warnings = run.warnings
  if state == "done" then
    part.stems, part.manifest = job.stems(run.done)
    part.leftover = { run.done.files.manifest, job.join(out, "region"), out }
    return part.stems
  end
  if run.message then error(("Region '%s': %s"):format(part.region:name(), run.message), 0) end
  return nil
end

local function known_regions()
  local ids = {}
  for _, region in pairs(ARDOUR.RegionFactory.regions():table()) do ids[region:to_stateful():id():to_s()] = true end
  return ids
end

-- Imports a file; the whole of it comes back as a region that is nowhere yet.
local function import(path)
  local files, before = C.StringVector(), known_regions()
  files:push_back(path)
  Editor:do_import(files, Editing.ImportMergeFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
                   ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
                   Temporal.timepos_t(0), ARDOUR.PluginInfo(), ARDOUR.Track(), false)
  for _, region in pairs(ARDOUR.RegionFactory.regions():table()) do
    if not before[region:to_stateful():id():to_s()] and region:whole_file() then return region end
  end
  error(path .. " was not imported; it is still there.", 0)
end

-- Imports a part's stems, under names that say what they are: the files' names become the sources'.
local function import_stems(part)
  for _, stem in ipairs(part.stems) do
    local name = ("%s %s"):format(part.region:name(), shared.title_of(stem.name)):gsub("[/\\%c]", "-")
    local path = job.fresh(part.folder, name .. ".wav")
    if not os.rename(stem.path, path) then error(stem.path .. " cannot be renamed.", 0) end
    stem.region = import(path)
    stem.region:set_name(name)
    os.remove(path)
  end
  for _, path in ipairs(part.leftover) do os.remove(path) end
end

-- A new track for a stem of `track`, as loud as that one.
local function make_track(track, name, channels, order)
  local made = Session:new_audio_track(channels, 2, nil, 1, shared.free_name(track:name() .. " " .. name),
                                       order, ARDOUR.TrackMode.Normal, true):front()
  made:gain_control():set_value(track:gain_control():get_value(), PBD.GroupControlDisposition.NoGroup)
  return made:to_track()
end

-- The tracks of all stems, by the track that they are of and by name.
local function make_tracks(parts)
  local tracks = {}
  for _, part in ipairs(parts) do
    local id = part.track:to_stateful():id():to_s()
    tracks[id] = tracks[id] or { count = 0, by_name = {} }
    local made = tracks[id]
    part.tracks = made.by_name
    for _, stem in ipairs(part.stems) do
      if not made.by_name[stem.name] then
        local order = shared.order_after(part.track) + made.count
        made.by_name[stem.name] = make_track(part.track, shared.title_of(stem.name), part.channels, order)
        made.count = made.count + 1
      end
    end
  end
end

local function place(part, stem)
  local playlist = part.tracks[stem.name]:playlist()
  local audio = stem.region:to_audioregion()
  audio:set_fade_in_active(false) -- the fades are in the stems
  audio:set_fade_out_active(false)
  playlist:to_stateful():clear_changes()
  playlist:add_region(stem.region, Temporal.timepos_t(part.start), 1, false, 0, 0, false)
  Session:add_stateful_diff_command(playlist:to_statefuldestructible())
end

-- Puts every stem in its place and mutes the regions, in one undo step.
local function place_all(parts)
  make_tracks(parts)
  Session:begin_reversible_command("Stem Bridge: bounce to stem tracks")
  for _, part in ipairs(parts) do
    for _, stem in ipairs(part.stems) do place(part, stem) end
    if options.mute_regions then
      part.region:to_stateful():clear_changes()
      part.region:set_muted(true)
      Session:add_stateful_diff_command(part.region:to_statefuldestructible())
    end
  end
  if not Session:abort_empty_reversible_command() then Session:commit_reversible_command(nil) end
end

-- Bounces every region, each in a folder of its own. Returns false where it was cancelled.
local function bounce_each(parts, progress)
  for index, part in ipairs(parts) do
    -- Another name each time: Ardour asks before it imports from the same path again.
    local name = os.date("stem bridge %Y-%m-%d %H.%M.%S ") .. index
    part.folder = job.fresh(Session:path(), name)
    os.execute("mkdir -- " .. job.quote(part.folder))
    local function tick(share, what)
      local text = ("%d of %d: %s"):format(index, #parts, what)
      return progress:progress((index - 1 + share) / #parts, text)
    end
    if not bounce(part, part.folder, tick) then return false end
  end
  return true
end

-- Bounces every region, then imports the stems of all: an import cannot be undone, so that nothing is
-- imported before every bounce has gone well. Returns false where it was cancelled.
local function bounce_all(parts, progress)
  local done, said = pcall(bounce_each, parts, progress)
  if not (done and said) then
    for _, part in ipairs(parts) do
      if part.folder then os.execute("rm -rf -- " .. job.quote(part.folder)) end
    end
    if not done then error(said, 0) end
    return false
  end
  for _, part in ipairs(parts) do
    import_stems(part)
    os.remove(part.folder)
  end
  return true
end

local function warnings(parts)
  local said, lines = {}, {}
  for _, part in ipairs(parts) do
    for _, warning in ipairs(part.warnings) do
      if not said[warning] then lines[#lines + 1] = warning end
      said[warning] = true
    end
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

local parts = selected()
if #parts == 0 then error("Select the audio regions to bounce.", 0) end
for _, part in ipairs(parts) do check(part, parts) end
options.found = job.find_command(options.command)
local progress = LuaDialog.ProgressWindow(shared.title, true)
local done, said = pcall(bounce_all, parts, progress)
progress:done()
if not done then error(said, 0) end
if not said then return "Cancelled: nothing was changed." end
place_all(parts)
return warnings(parts)
