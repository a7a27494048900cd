-- ardour7-lua export.lua KEY=VALUE ...
-- Opens a session, exports the first `frames` frames of all channels of the master into `out`.
--   session, block
--   routes    names of routes split by |: the first goes to channels 1 and 2 of the master, and to nothing
--             else, the next to 3 and 4, and so on; others go nowhere. Without it as the session has it
io.stdout:setvbuf("no")
local asked = {}
for _, pair in ipairs(arg) do
  local key, value = pair:match("^(%w+)=(.*)$")
  asked[key] = value
end
AudioEngine:set_backend("None (Dummy)", "", ""):set_buffer_size(tonumber(asked.block))
assert(load_session(asked.session, "session"), "cannot open the session")
local master = Session:master_out()

if asked.routes then
  local pair = 0
  master:input():disconnect_all(nil)
  for name in asked.routes:gmatch("[^|]+") do
    local route = Session:route_by_name(name)
    assert(not route:isnil(), name)
    route:panner_shell():set_bypassed(true)
    for side = 0, 1 do
      route:output():audio(side):connect(master:input():audio(2 * pair + side):name())
    end
    pair = pair + 1
  end
end

-- As play.lua of tests/hosts/ardour: Ardour takes up a latency in a thread of its own.
local latency = 0
for route in Session:get_routes():iter() do latency = math.max(latency, route:signal_latency()) end
print("latency", latency)
for _ = 1, 100 do
  if math.min(Session:worst_route_latency(), Session:worst_latency_preroll()) >= latency then break end
  sleep(0.1)
end
local export = Session:simple_export()
export:set_folder(asked.out)
export:set_name("export")
assert(export:set_preset("11111111-2222-4333-8444-555555555555"), "no preset")
export:set_range(0, tonumber(asked.frames))
print("exported", export:run_export())
