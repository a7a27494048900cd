-- lua5.4 play.lua SCENARIO OUT
-- Runs a script of daw_scripts/reaper against stand_in.lua as REAPER does, with what it defers. Writes to OUT a
-- JSON object: what became of the project, and the lines that were run, by file.
local scenario = dofile(arg[1])
local here = arg[0]:match("^(.*/)")
local world
reaper, gfx, world = dofile(here .. "stand_in.lua")(scenario)

local lines = {}
debug.sethook(function(_, line)
  local source = debug.getinfo(2, "S").source
  if source:sub(1, 1) == "@" then
    local seen = lines[source:sub(2)] or {}
    lines[source:sub(2)] = seen
    seen[tostring(line)] = true
  end
end, "line")

local before = io.open
-- A disk that is full, a folder that may not be written: the scripts must say so.
if scenario.no_writing then
  io.open = function(path, mode)
    if mode == "wb" and path:find(scenario.no_writing, 1, true) then
      if scenario.full then return { write = function() return nil end, close = function() return nil end } end
      return nil, path .. ": Permission denied"
    end
    return before(path, mode)
  end
end

dofile(scenario.action)
local turns = 0
while #world.deferred > 0 and turns ~= scenario.ended_after do
  turns = turns + 1
  assert(turns < 6000, "the script never ends")
  local actions = world.deferred
  world.deferred = {}
  for _, action in ipairs(actions) do action() end
  os.execute("sleep 0.03")
end
if world.at_exit then world.at_exit() end
debug.sethook()
io.open = before
assert(world.depth == 0 and (world.held or 0) == 0, "an undo block or the screen was left held")

local function encode(value)
  if type(value) ~= "table" then
    if type(value) ~= "string" then return tostring(value) end
    return '"' .. value:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  end
  local parts = {}
  if #value > 0 then
    for _, part in ipairs(value) do parts[#parts + 1] = encode(part) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, part in pairs(value) do parts[#parts + 1] = encode(tostring(name)) .. ":" .. encode(part) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local places = {}
for index, track in ipairs(world.tracks) do places[track] = index - 1 end
local tracks = {}
for _, track in ipairs(world.tracks) do
  local items, sends = {}, {}
  for _, item in ipairs(track.items) do
    local take = item.takes[1] or { values = {}, name = "", source = {} }
    items[#items + 1] = { values = item.values, take = take.values, name = take.name, file = take.source.file or "" }
  end
  for _, send in ipairs(track.sends) do sends[#sends + 1] = { to = places[send.to], values = send.values } end
  tracks[#tracks + 1] = { name = track.name, values = track.values, items = items, sends = sends, fx = track.fx }
end
local out = assert(io.open(arg[2], "wb"))
out:write(encode({ tracks = tracks, boxes = world.boxes, undo = world.undo, commands = world.commands,
                   texts = world.texts, windows = world.windows, processes = world.processes, lines = lines,
                   left = #world.deferred, turns = turns }))
out:close()
