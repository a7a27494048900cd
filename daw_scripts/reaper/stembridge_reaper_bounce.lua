-- Bounces what the selected items show of their files to stem tracks. `stembridge bounce` runs beside
-- REAPER, which stays usable; a window shows how far it is. When all items are done the project is
-- changed in one undo step: items like the old ones, with the same fades, rate and offset, play the stems.
local MARGIN = 4096 -- frames around what an item shows, for REAPER's resampling at its edges
local ESCAPE, CLOSED = 27, -1 -- of gfx.getchar

-- What an encoder puts before the music in files with these endings Stem Bridge leaves out, and REAPER may not.
local PADDED = { mp3 = true, ogg = true, oga = true, opus = true, m4a = true, mp4 = true, aac = true, wma = true }

local ITEM = { "D_POSITION", "D_LENGTH", "D_SNAPOFFSET", "D_VOL", "D_FADEINLEN", "D_FADEOUTLEN",
               "D_FADEINDIR", "D_FADEOUTDIR", "D_FADEINLEN_AUTO", "D_FADEOUTLEN_AUTO", "C_FADEINSHAPE",
               "C_FADEOUTSHAPE", "B_LOOPSRC", "C_BEATATTACHMODE" }
local TAKE = { "D_VOL", "D_PAN", "D_PANLAW", "D_PLAYRATE", "D_PITCH", "B_PPITCH", "I_CHANMODE",
               "I_PITCHMODE" }

return function(shared, options)
  local system = reaper.GetOS()
  local job = shared.load("stembridge_job.lua")(shared.load("stembridge_json.lua"), {
    windows = system:find("^Win") and true,
    macos = system:find("OSX") or system:find("macOS"),
    execute = function(command) return reaper.ExecProcess(command, -2) end, -- hidden, not waited for
  })

  -- What in a take would not be the same with another file under it; nil where all is.
  local function obstacle(item, take)
    if not take or reaper.TakeIsMIDI(take) then return "is no audio" end
    if reaper.GetMediaItemInfo_Value(item, "B_MUTE") == 1 then return "is muted: unmute it first" end
    local source = reaper.GetMediaItemTake_Source(take)
    if reaper.PCM_Source_GetSectionInfo(source) then return "is a section or reversed: glue it first" end
    if reaper.GetMediaSourceFileName(source) == "" then return "has no file: glue it first" end
    if reaper.GetMediaSourceNumChannels(source) > 2 then return "has more than two channels" end
    if reaper.GetTakeNumStretchMarkers(take) > 0 then return "has stretch markers: glue it first" end
    if reaper.CountTakeEnvelopes(take) > 0 then return "has take envelopes: glue it first" end
    if reaper.TakeFX_GetCount(take) > 0 then return "has take effects: glue it first" end
    return nil
  end

  -- The frames of the file that are bounced, {from, to}, or nil for all of them. They hold what the item
  -- shows and a margin, and all of a file that is looped.
  local function span(item, take, rate, length)
    local offset = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
    local shown = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
      * reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
    local from, to = math.floor(offset * rate), math.ceil((offset + shown) * rate)
    local frames = math.floor(length * rate + 0.5)
    if reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") == 1 and (from < 0 or to > frames) then return nil end
    if to <= 0 or from >= frames then error("shows nothing of its file", 0) end
    from, to = math.max(from - MARGIN, 0), math.min(to + MARGIN, frames)
    if from == 0 and to == frames then return nil end
    return { from, to }
  end

  local function describe(item)
    local take = reaper.GetActiveTake(item)
    local why = obstacle(item, take)
    if why then error(why, 0) end
    local source = reaper.GetMediaItemTake_Source(take)
    local rate = reaper.GetMediaSourceSampleRate(source)
    local length = reaper.GetMediaSourceLength(source)
    return { item = item, take = take, rate = rate, span = span(item, take, rate, length),
             file = reaper.GetMediaSourceFileName(source), name = reaper.GetTakeName(take) }
  end

  local function selected()
    local parts = {}
    for index = 0, reaper.CountSelectedMediaItems(0) - 1 do
      local item = reaper.GetSelectedMediaItem(0, index)
      local done, said = pcall(describe, item)
      if not done then error(("Item %d of the selection %s."):format(index + 1, said), 0) end
      parts[#parts + 1] = said
    end
    if #parts == 0 then error("Select the items to bounce.", 0) end
    return parts
  end

  local function copy(names, get, set, from, to)
    for _, name in ipairs(names) do set(to, name, get(from, name)) end
  end

  -- An item on `track` that plays a stem as the part's item plays its file.
  local function place(part, stem, track)
    local item = reaper.AddMediaItemToTrack(track)
    local take = reaper.AddTakeToMediaItem(item)
    reaper.SetMediaItemTake_Source(take, reaper.PCM_Source_CreateFromFile(stem.path))
    copy(ITEM, reaper.GetMediaItemInfo_Value, reaper.SetMediaItemInfo_Value, part.item, item)
    copy(TAKE, reaper.GetMediaItemTakeInfo_Value, reaper.SetMediaItemTakeInfo_Value, part.take, take)
    local offset = reaper.GetMediaItemTakeInfo_Value(part.take, "D_STARTOFFS")
    local from = part.span and part.span[1] / part.rate or 0
    reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset - from)
    local name = ("%s %s"):format(part.name, shared.title_of(stem.name))
    reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", name, true)
  end

  local function make_tracks(part, tracks)
    local parent = reaper.GetMediaItem_Track(part.item)
    local id = reaper.GetTrackGUID(parent)
    if not tracks[id] then
      local names = {}
      for _, stem in ipairs(part.stems) do names[#names + 1] = stem.name end
      tracks[id] = shared.add_tracks(parent, names)
      for _, track in pairs(tracks[id]) do
        for _, name in ipairs({ "D_VOL", "D_PAN", "I_CUSTOMCOLOR" }) do
          reaper.SetMediaTrackInfo_Value(track, name, reaper.GetMediaTrackInfo_Value(parent, name))
        end
      end
    end
    return tracks[id]
  end

  local function place_all(parts)
    local tracks = {}
    for _, part in ipairs(parts) do
      local made = make_tracks(part, tracks)
      for _, stem in ipairs(part.stems) do place(part, stem, made[stem.name]) end
      if options.mute_items then reaper.SetMediaItemInfo_Value(part.item, "B_MUTE", 1) end
    end
    reaper.Main_OnCommand(40047, 0) -- Peaks: Build any missing peaks
  end

  local function padded(path)
    local ending = (path:match("%.(%w+)$") or ""):lower()
    return PADDED[ending] and ending
  end

  -- What is to be said of the parts, each once.
  local function warnings(parts)
    local words, said = {}, {}
    local function add(text)
      if not said[text] then words[#words + 1] = text end
      said[text] = true
    end
    for _, part in ipairs(parts) do
      for _, warning in ipairs(part.warnings) do add(warning) end
      if padded(part.file) then
        add(("%s: REAPER may keep what the encoder put before the music, which the stems do not have. Compare "
          .. "them; where they are not in step, glue the item and bounce that."):format(part.file:match("[^/\\]+$")))
      end
      local ending = padded(part.stems[1].path)
      if ending then
        add(("REAPER may keep what the encoder put before the music of stems that are %s files: write wav, "
          .. "flac or aiff to have them in step to the sample."):format(ending))
      end
    end
    return words
  end

  local function finish(parts, folder)
    for _, part in ipairs(parts) do
      if not reaper.ValidatePtr2(0, part.item, "MediaItem*") then
        error(("An item is gone. The stems are in %s."):format(folder), 0)
      end
    end
    local words = warnings(parts)
    shared.undoable("Stem Bridge: bounce to stem tracks", function() place_all(parts) end)
    if #words > 0 then shared.say(table.concat(words, "\n")) end
  end

  local function draw(share, text)
    gfx.set(0.2, 0.2, 0.2)
    gfx.rect(0, 0, gfx.w, gfx.h)
    gfx.set(0.3, 0.6, 0.9)
    gfx.rect(10, 40, (gfx.w - 20) * share, 20)
    gfx.set(1, 1, 1)
    gfx.x, gfx.y = 10, 10
    gfx.drawstr(text)
    gfx.x, gfx.y = 10, 70
    gfx.drawstr("Esc, or closing this window, cancels")
    gfx.update()
  end

  local parts = selected()
  options.found = job.find_command(options.command)
  local folder = job.fresh(reaper.GetProjectPath(), "Stem Bridge")
  reaper.RecursiveCreateDirectory(folder, 0)
  if not job.exists(folder) then
    error(("%s cannot be made: save the project where you may write."):format(folder), 0)
  end

  local run, number = nil, 0
  local function start_next()
    number = number + 1
    local part = parts[number]
    local out = job.join(folder, ("%d"):format(number))
    run = job.start(job.arguments(options, part.file, out, part.span, part.rate), folder)
  end

  local function stop(text)
    if run then run:cancel() end
    run = nil
    gfx.quit()
    os.remove(folder) -- where nothing came of it
    if text then shared.say(text) end
  end

  -- After a run: true while there is more to do.
  local function conclude(state)
    local ended = run
    run = nil
    ended:clean()
    if state == "failed" then
      os.remove(job.join(folder, ("%d"):format(number)))
      local where = number > 1 and (" Stems of the items before are in %s."):format(folder) or ""
      stop(ended.message and ("Item %d: %s%s"):format(number, ended.message, where) or "Cancelled." .. where)
      return false
    end
    parts[number].stems = job.stems(ended.done)
    parts[number].warnings = ended.warnings
    if number < #parts then
      start_next()
      return true
    end
    gfx.quit()
    shared.guard(function() finish(parts, folder) end)
    return false
  end

  local function step()
    local state = run:poll()
    local key = gfx.getchar()
    if key == ESCAPE or key == CLOSED then run:cancel() end
    local what = run.cancelled and "ending" or "separating"
    local text = ("%d of %d: %s %s"):format(number, #parts, what, parts[number].name)
    draw((number - 1 + run.fraction) / #parts, text)
    return state == "running" or conclude(state)
  end

  local function go_on()
    local done, more = pcall(step)
    if not done then
      stop(tostring(more))
    elseif more then
      reaper.defer(go_on)
    end
  end

  -- The script may be ended from outside: then nobody waits for the bounce.
  reaper.atexit(function()
    if run then run:cancel() end
  end)
  gfx.init(shared.title, 420, 100)
  local started, why = pcall(start_next)
  if started then
    go_on()
  else
    stop(why)
  end
end
