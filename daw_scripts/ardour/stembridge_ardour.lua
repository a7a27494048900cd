-- What Stem Bridge's scripts for Ardour share. Ardour keeps the function of a script without anything
-- around it, so that they load what is here, from the folder that they are in, when they are run.
local folder = ...
local shared = { title = "Stem Bridge" }

function shared.load(name)
  local chunk, why = loadfile(folder .. name)
  if not chunk then error("This script needs its other files beside it: " .. why, 0) end
  return chunk
end

local function say(kind, text)
  LuaDialog.Message(shared.title, text, LuaDialog.MessageType[kind], LuaDialog.ButtonType.Close):run()
end

-- Runs what the file `name` gives with the options of the script. What it raises is shown, and what
-- it returns if that is a text.
function shared.run(name, options)
  local done, said = pcall(function() return shared.load(name)(shared, options) end)
  if not done then
    say("Error", tostring(said))
  elseif said then
    say("Info", said)
  end
end

function shared.is_mac()
  local file = io.open("/System/Library/CoreServices/SystemVersion.plist", "rb")
  if file then file:close() end
  return file ~= nil
end

-- "vocals" -> "Vocals"
function shared.title_of(stem) return (stem:gsub("^%l", string.upper)) end

-- Where in the mixer a route is to be so that it comes right after `route`.
function shared.order_after(route) return route:presentation_info_ptr():order() + 1 end

-- A route's name that is free, and that Ardour takes as it is.
function shared.free_name(wanted)
  wanted = wanted:gsub("[/:]", "-")
  local name, count = wanted, 1
  while not Session:route_by_name(name):isnil() do
    count = count + 1
    name = wanted .. " " .. count
  end
  return name
end

return shared
