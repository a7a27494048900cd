-- ardour7-lua state.lua NAME SCRIPT: prints what Ardour keeps of a script that a user has chosen: Lua
-- text that sets NAME to its name, source and the bytes of its factory.
local name, path = arg[1], arg[2]
local file = assert(io.open(path, "rb"))
local source = file:read("a")
file:close()
ardour = function() end
assert(load(source))()
io.stdout:write("\nBEGIN")
for key, value in pairs({ n = "under test", s = source, f = string.dump(factory, true) }) do
  io.stdout:write((" %s[%q] = %q"):format(name, key, value))
end
io.stdout:write((" %s['a'] = {} END\n"):format(name))
