-- What Stem Bridge's scripts for REAPER share.
return function(folder)
  local shared = { title = "Stem Bridge" }

  -- What the file `name` gives: it is beside the scripts, or where the project keeps it.
  function shared.load(name)
    local chunk = loadfile(folder .. name) or loadfile(folder .. "../common/" .. name)
    if not chunk then error(("This script needs %s beside it: copy all of its files."):format(name), 0) end
    return chunk()
  end

  function shared.say(text) reaper.ShowMessageBox(text, shared.title, 0) end

  -- Calls `action`; what it raises is shown. Returns whether it raised nothing.
  function shared.guard(action)
    local done, said = pcall(action)
    if not done then shared.say(tostring(said)) end
    return done
  end

  function shared.run(name, options)
    shared.guard(function() shared.load(name)(shared, options) end)
  end

  -- Changes the project by `change` in one undo step.
  function shared.undoable(text, change)
    reaper.Undo_BeginBlock()
    reaper.PreventUIRefresh(1)
    local done, said = pcall(change)
    reaper.PreventUIRefresh(-1)
    reaper.TrackList_AdjustWindows(false)
    reaper.UpdateArrange()
    reaper.Undo_EndBlock(text, -1)
    if not done then error(said, 0) end
  end

  function shared.name(track)
    local _, name = reaper.GetTrackName(track)
    return name
  end

  -- "vocals" -> "Vocals"
  function shared.title_of(stem) return (stem:gsub("^%l", string.upper)) end

  -- New tracks right below `track`, one for each stem, in its folder. By stem.
  function shared.add_tracks(track, stems)
    local below = math.floor(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER"))
    local made, last = {}, nil
    for number, stem in ipairs(stems) do
      local index = below + number - 1
      reaper.InsertTrackAtIndex(index, false)
      last = reaper.GetTrack(0, index)
      local name = ("%s %s"):format(shared.name(track), shared.title_of(stem))
      reaper.GetSetMediaTrackInfo_String(last, "P_NAME", name, true)
      made[stem] = last
    end
    local depth = reaper.GetMediaTrackInfo_Value(track, "I_FOLDERDEPTH")
    if depth < 0 then -- it ends a folder, which now ends with the last stem
      reaper.SetMediaTrackInfo_Value(track, "I_FOLDERDEPTH", 0)
      reaper.SetMediaTrackInfo_Value(last, "I_FOLDERDEPTH", depth)
    end
    return made
  end

  return shared
end
