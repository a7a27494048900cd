-- The part of REAPER's API that daw_scripts/reaper calls, with the state behind it: tracks with items, takes,
-- effects and sends, the selection, undo steps, message boxes, a window and its keys.
--
--   local reaper, gfx, world = dofile("stand_in.lua")(scenario)
--
-- A function, parameter or effect that is not here raises an error: it would be one that REAPER may
-- not have. `scenario`: see scenarios.py.
return function(scenario)
  local reaper, gfx, world = {}, { w = 0, h = 0, x = 0, y = 0 }, {
    tracks = {}, boxes = {}, undo = {}, commands = {}, texts = {}, deferred = {}, windows = 0, depth = 0,
    processes = {},
  }

  local function strict(kind, known)
    return setmetatable({}, {
      __index = function(_, name) error(("%s has no '%s'"):format(kind, tostring(name)), 2) end,
      __newindex = function(values, name, value)
        if not known[name] then error(("%s has no '%s'"):format(kind, tostring(name)), 2) end
        rawset(values, name, value)
      end,
    })
  end

  local function values(kind, defaults)
    local made = strict(kind, defaults)
    for name, value in pairs(defaults) do made[name] = value end
    return made
  end

  local TRACK = { D_VOL = 1, D_PAN = 0, B_MUTE = 0, B_PHASE = 0, B_MAINSEND = 1, I_NCHAN = 2, I_FOLDERDEPTH = 0,
                  I_CUSTOMCOLOR = 0 }
  local ITEM = { D_POSITION = 0, D_LENGTH = 0, D_SNAPOFFSET = 0, D_VOL = 1, D_FADEINLEN = 0.01,
                 D_FADEOUTLEN = 0.01, D_FADEINDIR = 0, D_FADEOUTDIR = 0, D_FADEINLEN_AUTO = -1,
                 D_FADEOUTLEN_AUTO = -1, C_FADEINSHAPE = 0, C_FADEOUTSHAPE = 0, B_LOOPSRC = 0, B_MUTE = 0,
                 C_BEATATTACHMODE = -1 }
  local TAKE = { D_VOL = 1, D_PAN = 0, D_PANLAW = -1, D_PLAYRATE = 1, D_PITCH = 0, B_PPITCH = 1, I_CHANMODE = 0,
                 I_PITCHMODE = -1, D_STARTOFFS = 0 }
  -- What a user's preferences made of a new send.
  local SEND = { I_SRCCHAN = 0, I_DSTCHAN = 0, I_SENDMODE = 3, I_MIDIFLAGS = 0, D_VOL = 0.5, D_PAN = 0.1, B_MUTE = 0,
                 B_MONO = 0, B_PHASE = 0 }

  local function new_track()
    return { kind = "MediaTrack*", values = values("a track", TRACK), name = "", items = {}, fx = {}, sends = {},
             guid = ("{%d}"):format(math.random(1 << 40)) }
  end

  local function overlay(target, given)
    for name, value in pairs(given or {}) do target[name] = value end
  end

  -- The project of the scenario.
  for _, wanted in ipairs(scenario.tracks or {}) do
    local track = new_track()
    track.name, track.selected = wanted.name, wanted.selected
    overlay(track.values, wanted.values)
    track.fx = wanted.fx or {}
    for _, part in ipairs(wanted.items or {}) do
      local item = { kind = "MediaItem*", values = values("an item", ITEM), track = track, takes = {},
                     selected = part.selected ~= false }
      overlay(item.values, part.values)
      if not part.empty then
        local take = { values = values("a take", TAKE), name = part.name or "take", midi = part.midi,
                       markers = part.markers or 0, envelopes = part.envelopes or 0, fx = part.fx or 0,
                       source = { file = part.file, rate = part.rate, channels = part.channels or 2,
                                  length = part.length, section = part.section } }
        overlay(take.values, part.take)
        item.takes[1] = take
      end
      track.items[#track.items + 1] = item
    end
    world.tracks[#world.tracks + 1] = track
  end

  local function must_undo() assert(world.depth == 1, "the project is changed outside of an undo block") end

  local function is(thing, kind)
    assert(type(thing) == "table" and thing.kind == kind, ("a %s is expected"):format(kind))
    return thing
  end

  local function index_of(track)
    for index, other in ipairs(world.tracks) do
      if other == track then return index end
    end
    return 0
  end

  -- Tracks.
  function reaper.GetTrack(project, index)
    assert(project == 0)
    return world.tracks[index + 1]
  end

  function reaper.InsertTrackAtIndex(index, defaults)
    must_undo()
    assert(math.type(index) == "integer" and defaults == false)
    table.insert(world.tracks, math.min(index, #world.tracks) + 1, new_track())
  end

  function reaper.GetTrackName(track)
    is(track, "MediaTrack*")
    return true, track.name ~= "" and track.name or ("Track %d"):format(index_of(track))
  end

  function reaper.GetTrackGUID(track) return is(track, "MediaTrack*").guid end

  function reaper.GetMediaTrackInfo_Value(track, name)
    is(track, "MediaTrack*")
    if name == "IP_TRACKNUMBER" then return index_of(track) + 0.0 end
    return track.values[name] + 0.0
  end

  function reaper.SetMediaTrackInfo_Value(track, name, value)
    must_undo()
    is(track, "MediaTrack*").values[name] = value
    return true
  end

  function reaper.GetSetMediaTrackInfo_String(track, name, text, is_new)
    must_undo()
    assert(name == "P_NAME" and is_new == true)
    is(track, "MediaTrack*").name = text
    return true, text
  end

  function reaper.CountSelectedTracks(project)
    assert(project == 0)
    local count = 0
    for _, track in ipairs(world.tracks) do count = count + (track.selected and 1 or 0) end
    return count
  end

  function reaper.GetSelectedTrack(project, index)
    assert(project == 0)
    for _, track in ipairs(world.tracks) do
      if track.selected then
        if index == 0 then return track end
        index = index - 1
      end
    end
  end

  function reaper.CreateTrackSend(from, to)
    must_undo()
    is(from, "MediaTrack*")
    from.sends[#from.sends + 1] = { to = is(to, "MediaTrack*"), values = values("a send", SEND) }
    return #from.sends - 1
  end

  function reaper.SetTrackSendInfo_Value(track, category, send, name, value)
    must_undo()
    assert(category == 0)
    is(track, "MediaTrack*").sends[send + 1].values[name] = value
    return true
  end

  -- Effects: scenario.plugins has the number of outputs by name.
  function reaper.TrackFX_AddByName(track, name, is_input, how)
    assert(is_input == false and (how == 0 or how == -1))
    is(track, "MediaTrack*")
    if how == 0 then
      for index, effect in ipairs(track.fx) do
        if effect.name:find(name, 1, true) then return index - 1 end
      end
      return -1
    end
    must_undo()
    local outputs = (scenario.plugins or {})[name]
    if not outputs then return -1 end
    track.fx[#track.fx + 1] = { name = name, outputs = outputs, pins = {} }
    return #track.fx - 1
  end

  function reaper.TrackFX_GetIOSize(track, index)
    return 3, 2, is(track, "MediaTrack*").fx[index + 1].outputs
  end

  function reaper.TrackFX_SetPinMappings(track, index, is_output, pin, low, high)
    must_undo()
    assert(is_output == 1 and math.type(low) == "integer" and high == 0)
    local effect = is(track, "MediaTrack*").fx[index + 1]
    assert(pin < effect.outputs and low < 1 << track.values.I_NCHAN, "no such pin")
    effect.pins[pin + 1] = low
    return true
  end

  function reaper.TrackFX_Delete(track, index)
    must_undo()
    table.remove(is(track, "MediaTrack*").fx, index + 1)
    return true
  end

  -- Items and takes.
  local function selected_items()
    local found = {}
    for _, track in ipairs(world.tracks) do
      for _, item in ipairs(track.items) do
        if item.selected then found[#found + 1] = item end
      end
    end
    return found
  end

  function reaper.CountSelectedMediaItems(project)
    assert(project == 0)
    return #selected_items()
  end

  function reaper.GetSelectedMediaItem(project, index)
    assert(project == 0)
    return selected_items()[index + 1]
  end

  function reaper.GetMediaItem_Track(item) return is(item, "MediaItem*").track end
  function reaper.GetActiveTake(item) return is(item, "MediaItem*").takes[1] end
  function reaper.TakeIsMIDI(take) return take.midi == true end
  function reaper.GetTakeName(take) return take.name end
  function reaper.GetTakeNumStretchMarkers(take) return take.markers end
  function reaper.CountTakeEnvelopes(take) return take.envelopes end
  function reaper.TakeFX_GetCount(take) return take.fx end
  function reaper.GetMediaItemInfo_Value(item, name) return is(item, "MediaItem*").values[name] + 0.0 end
  function reaper.GetMediaItemTakeInfo_Value(take, name) return take.values[name] + 0.0 end

  function reaper.SetMediaItemInfo_Value(item, name, value)
    must_undo()
    is(item, "MediaItem*").values[name] = value
    return true
  end

  function reaper.SetMediaItemTakeInfo_Value(take, name, value)
    must_undo()
    take.values[name] = value
    return true
  end

  function reaper.AddMediaItemToTrack(track)
    must_undo()
    local item = { kind = "MediaItem*", values = values("an item", ITEM), track = track, takes = {} }
    table.insert(is(track, "MediaTrack*").items, item)
    return item
  end

  function reaper.AddTakeToMediaItem(item)
    must_undo()
    local take = { values = values("a take", TAKE), name = "" }
    table.insert(is(item, "MediaItem*").takes, take)
    return take
  end

  function reaper.GetSetMediaItemTakeInfo_String(take, name, text, is_new)
    must_undo()
    assert(name == "P_NAME" and is_new == true)
    take.name = text
    return true, text
  end

  function reaper.ValidatePtr2(project, item, kind)
    assert(project == 0)
    return not scenario.gone and item.kind == kind
  end

  -- Sources.
  function reaper.GetMediaItemTake_Source(take) return take.source end
  function reaper.GetMediaSourceFileName(source) return source.file end
  function reaper.GetMediaSourceSampleRate(source) return source.rate end
  function reaper.GetMediaSourceNumChannels(source) return source.channels end
  function reaper.GetMediaSourceLength(source) return source.length, false end
  function reaper.PCM_Source_GetSectionInfo(source) return source.section == true, 0, 0, false end

  function reaper.PCM_Source_CreateFromFile(path)
    local file = assert(io.open(path, "rb"), path)
    file:close()
    return { file = path }
  end

  function reaper.SetMediaItemTake_Source(take, source)
    must_undo()
    take.source = source
    return true
  end

  -- The project, and what is around it.
  function reaper.Undo_BeginBlock() world.depth = world.depth + 1 end

  function reaper.Undo_EndBlock(text, flags)
    assert(world.depth == 1 and flags == -1)
    world.depth = 0
    world.undo[#world.undo + 1] = text
  end

  function reaper.PreventUIRefresh(by) world.held = (world.held or 0) + by end
  function reaper.TrackList_AdjustWindows(is_minor) assert(is_minor == false) end
  function reaper.UpdateArrange() end
  function reaper.Main_OnCommand(command, flag)
    assert(flag == 0)
    world.commands[#world.commands + 1] = command
  end

  function reaper.GetOS() return scenario.system or "Other" end
  function reaper.GetProjectPath() return scenario.project end
  function reaper.get_action_context() return false, scenario.action, 0, 0, -1, -1, -1, "" end

  function reaper.RecursiveCreateDirectory(path, ignored)
    assert(ignored == 0)
    return os.execute("mkdir -p '" .. path:gsub("'", "'\\''") .. "' 2>/dev/null") and 1 or 0
  end

  -- Windows alone: scenarios.py reads what is started as PowerShell does.
  function reaper.ExecProcess(command, wait)
    assert(scenario.system == "Win64" and wait == -2)
    world.processes[#world.processes + 1] = command
    local file = assert(io.open(scenario.windows_commands, "a"))
    file:write(command, "\n")
    file:close()
    return "0"
  end

  function reaper.ShowMessageBox(text, title, kind)
    assert(title == "Stem Bridge" and kind == 0)
    world.boxes[#world.boxes + 1] = text
    return 1
  end

  function reaper.defer(action) world.deferred[#world.deferred + 1] = action end
  function reaper.atexit(action) world.at_exit = action end

  -- The window. scenario.keys: what its keys give from one look to the next, then nothing.
  local looks = 0
  function gfx.init(title, width, height)
    assert(title == "Stem Bridge")
    gfx.w, gfx.h, world.windows = width, height, world.windows + 1
    return 1
  end

  function gfx.getchar()
    looks = looks + 1
    return (scenario.keys or {})[looks] or 0
  end

  function gfx.set(red, green, blue) assert(red and green and blue) end
  function gfx.rect(x, y, width, height)
    assert(x >= 0 and y >= 0 and width >= 0 and x + width <= gfx.w and y + height <= gfx.h, "outside of the window")
  end

  function gfx.drawstr(text)
    if text ~= world.texts[#world.texts] then world.texts[#world.texts + 1] = text end
  end

  function gfx.update() end
  function gfx.quit() world.windows = world.windows - 1 end

  local function no_such(_, name) error(("REAPER's API has no '%s' here"):format(tostring(name)), 2) end
  return setmetatable(reaper, { __index = no_such }), setmetatable(gfx, { __index = no_such }), world
end
