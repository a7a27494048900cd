-- Puts the plugin at the end of each selected track's effects, and makes a track for each stem, which
-- receives its pair of channels. The track itself no longer goes to the master: the stems sum to what it
-- plays, so that it would be heard twice.
local KINDS = { "VST3:Stem Bridge", "AU:Stem Bridge", "LV2:Stem Bridge" }
-- The first of the two channels of each bus of the plugin, which begins with Main.
local CHANNELS = { vocals = 2, drums = 4, bass = 6, other = 8, guitar = 10, piano = 12 }
local ALL_CHANNELS = 14

return function(shared, options)
  local function check(track)
    if reaper.TrackFX_AddByName(track, "Stem Bridge", false, 0) >= 0 then
      error(("Track '%s' has Stem Bridge already: remove it there first."):format(shared.name(track)), 0)
    end
  end

  local function add_plugin(track)
    for _, kind in ipairs(KINDS) do
      local index = reaper.TrackFX_AddByName(track, kind, false, -1)
      if index >= 0 then return index end
    end
    error("REAPER does not know the Stem Bridge plugin. Run `stembridge plugin install` in a terminal, "
      .. "then Options > Preferences > Plug-ins > VST > Re-scan.", 0)
  end

  local function insert_plugin(track)
    local before = reaper.GetMediaTrackInfo_Value(track, "I_NCHAN")
    reaper.SetMediaTrackInfo_Value(track, "I_NCHAN", math.max(before, ALL_CHANNELS))
    local added, plugin = pcall(add_plugin, track)
    local _, _, outputs = nil, nil, 0
    if added then _, _, outputs = reaper.TrackFX_GetIOSize(track, plugin) end
    if added and outputs >= ALL_CHANNELS then
      for pin = 0, ALL_CHANNELS - 1 do -- each output to the channel of the same number
        reaper.TrackFX_SetPinMappings(track, plugin, 1, pin, 1 << pin, 0)
      end
      return
    end
    if added then reaper.TrackFX_Delete(track, plugin) end
    reaper.SetMediaTrackInfo_Value(track, "I_NCHAN", before)
    if not added then error(plugin, 0) end
    error(("The plugin gives %d channels here where %d are needed: put the VST3 on the track.")
      :format(outputs, ALL_CHANNELS), 0)
  end

  local function split(track)
    insert_plugin(track)
    local made = shared.add_tracks(track, options.stems)
    for _, stem in ipairs(options.stems) do
      local send = reaper.CreateTrackSend(track, made[stem])
      -- What a user's defaults would change is set too.
      local how = { I_SRCCHAN = CHANNELS[stem], I_DSTCHAN = 0, I_SENDMODE = 0, I_MIDIFLAGS = 31,
                    D_VOL = 1, D_PAN = 0, B_MUTE = 0, B_MONO = 0, B_PHASE = 0 }
      for name, value in pairs(how) do reaper.SetTrackSendInfo_Value(track, 0, send, name, value) end
    end
    reaper.SetMediaTrackInfo_Value(track, "B_MAINSEND", 0)
  end

  for _, stem in ipairs(options.stems) do
    if not CHANNELS[stem] then
      error(("The plugin has no stem '%s': use vocals, drums, bass, other, guitar or piano."):format(stem), 0)
    end
  end
  local tracks = {}
  for index = 0, reaper.CountSelectedTracks(0) - 1 do
    tracks[#tracks + 1] = reaper.GetSelectedTrack(0, index)
    check(tracks[#tracks])
  end
  if #tracks == 0 then error("Select the track to split.", 0) end
  shared.undoable("Stem Bridge: live split", function()
    for _, track in ipairs(tracks) do split(track) end
  end)
end
