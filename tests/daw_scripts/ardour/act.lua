-- ardour7-lua act.lua SESSION STEPS
-- Opens a session and runs scripts of daw_scripts/ardour in it one after another, as Ardour's editor
-- does. What needs its window is stood in for: the selection, and the dialogs, which are printed. For
-- what scripts say when something stands in the way; editor.py runs them in the real editor.
-- STEPS: a Lua file with a list of
--   action            the script's file
--   tracks, regions   names of what is selected
--   muted, cloned     mutes the regions first, or lays a copy of them over them
--   followed          lays a copy of them behind them, and selects it too
--   cancel            cancels when the window shows so much
--   full              the disk is full when so many files named region.wav have been opened
io.stdout:setvbuf("no")
local steps = dofile(arg[2])
AudioEngine:set_backend("None (Dummy)", "", "")
assert(load_session(arg[1], "session"), "cannot open the session")

local function listed(values)
  return { iter = function()
    local index = 0
    return function()
      index = index + 1
      return values[index]
    end
  end }
end

local function has(names, name)
  for _, other in ipairs(names or {}) do
    if other == name then return true end
  end
  return false
end

local function selection(step)
  local tracks, regions = {}, {}
  for route in Session:get_tracks():iter() do
    if has(step.tracks, route:name()) then tracks[#tracks + 1] = route end
    for region in route:to_track():playlist():region_list():iter() do
      if has(step.regions, region:name()) then regions[#regions + 1] = region end
    end
  end
  return { tracks = { routelist = function() return listed(tracks) end },
           regions = { regionlist = function() return listed(regions) end } }
end

local step
Editor = { get_selection = function() return step.selection end }
Editing = {}
LuaDialog = {
  MessageType = { Error = "Error", Info = "Info" },
  ButtonType = { Close = "Close" },
  Message = function(title, text, kind, button)
    assert(title == "Stem Bridge" and kind and button)
    return { run = function() print("said", kind, (text:gsub("\n", " | "))) end }
  end,
  ProgressWindow = function()
    return {
      progress = function(_, share)
        assert(share >= 0 and share <= 1, share)
        return share >= (step.cancel or 2)
      end,
      done = function() print("closed") end,
    }
  end,
}

local execute, open, load_script = os.execute, io.open, dofile
local opened
io.open = function(path, mode)
  if mode ~= "wb" or not path:find("/region.wav", 1, true) then return open(path, mode) end
  opened = opened + 1
  local file = open(path, mode)
  if opened ~= step.full then return file end
  file:close()
  return open("/dev/full", mode)
end
os.execute = function(command) -- as in the editor it does not say how it went
  execute(command)
  return 0
end
ardour = function() end
dofile, require, package, debug, coroutine, module, rawget, rawset = nil
os.exit, os.setlocale = nil, nil
for number, wanted in ipairs(steps) do
  step, opened = wanted, 0
  step.selection = selection(step)
  print("step", number)
  if step.followed then
    local both = {}
    for region in step.selection.regions:regionlist():iter() do
      local copy = ARDOUR.RegionFactory.clone_region(region, true, false)
      region:playlist():add_region(copy, region:position() + region:length(), 1, false, 0, 0, false)
      both[#both + 1], both[#both + 2] = region, copy
    end
    step.selection.regions = { regionlist = function() return listed(both) end }
  end
  for region in step.selection.regions:regionlist():iter() do
    if step.muted then region:set_muted(true) end
    if step.cloned then
      local copy = ARDOUR.RegionFactory.clone_region(region, true, false)
      region:playlist():add_region(copy, region:position(), 1, false, 0, 0, false)
    end
  end
  load_script(step.action)
  local bytes = string.dump(factory, true)
  factory = nil
  load(bytes, nil, nil, _ENV)({})()
end
for route in Session:get_routes():iter() do print("route", route:name(), route:n_outputs():n_audio()) end
