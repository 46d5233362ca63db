-- What wrk sends, and when: see load.py, which writes the table that args[1] names.
--
-- Closed: each connection sends its next request when it has its answer. Open: requests are due at a fixed rate, take
-- the first connection that is free, and are timed from when they were due, which the server hands back to us as the
-- request's id; a server that falls behind is charged for all who wait. In both, nothing is sent after the end, and
-- whoever started wrk is told when every request has been answered: no outcome stays unknown.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } bench_instant;
  int clock_gettime(int clock, bench_instant *now);
]]
local MONOTONIC = 1
local NEVER_MS = 1000000000
local instant = ffi.new("bench_instant")

local function clock()
  ffi.C.clock_gettime(MONOTONIC, instant)
  return tonumber(instant.seconds) + tonumber(instant.nanoseconds) / 1e9
end

local threads = {}
local load, ending
local due, due_first, due_last = {}, 1, 0
local waits = {}
local started, asked, in_time, parked = 0, 0, 0, 0
sent = 0 -- global, for `done` reads it from outside

function setup(thread)
  table.insert(threads, thread)
end

local function note_wait(_, headers)
  local at = tonumber(headers["x-request-id"] or headers["X-Request-ID"])
  if at then
    waits[#waits + 1] = clock() - at
  end
end

function init(arguments)
  load = dofile(arguments[1])
  math.randomseed(load.seed)
  if load.rate then
    response = note_wait -- wrk gathers headers, which costs, only where there is such a function
  end
end

local function next_wait_ms(now)
  if not load.rate then
    return 0
  end
  local at = started + due_last / load.rate
  if at >= ending then
    return nil
  end
  due_last = due_last + 1
  due[due_last] = at
  return math.max(0, math.floor((at - now) * 1000) + 1)
end

local function report()
  table.sort(waits)
  local p50 = waits[math.ceil(#waits * 0.50)] or 0
  local p99 = waits[math.ceil(#waits * 0.99)] or 0
  print(string.format("DRAINED %d %d %.3f %.3f", in_time, #waits, p50 * 1000, p99 * 1000))
  io.stdout:flush()
end

-- wrk asks it before each request, so first for every connection and then after every answer.
function delay()
  local now = clock()
  if asked == 0 then
    started = now
    ending = now + load.seconds
  end
  asked = asked + 1
  if asked > load.connections and now < ending then
    in_time = in_time + 1
  end
  local wait_ms = now < ending and next_wait_ms(now)
  if wait_ms then
    return wait_ms
  end
  parked = parked + 1
  if parked == load.connections then
    report()
  end
  return NEVER_MS
end

local function weighted()
  local wanted, low, high = math.random(), 1, #load.weights
  while low < high do
    local middle = math.floor((low + high) / 2)
    if load.weights[middle] < wanted then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local function customer_of(place)
  return math.floor((place - 1) / load.accounts_each)
end

-- An account of another customer than the sender's.
local function target_for(sender)
  local place
  repeat
    place = load.only or (load.weights and weighted()) or math.random(#load.targets)
  until customer_of(place) ~= customer_of(sender)
  return place
end

local function sender()
  local place
  repeat
    place = math.random(#load.before)
  until not load.only or customer_of(place) ~= customer_of(load.only)
  return place
end

local function next_due()
  local now = clock()
  local at = due[due_first]
  if not at then
    return now -- a connection that broke and sends anew does not ask before
  end
  due[due_first] = nil
  due_first = due_first + 1
  return math.min(at, now) -- a timer of whole milliseconds may be early
end

function request()
  local place = sender()
  local text = load.before[place]
  if asked > 0 then -- else wrk only tries whether this makes a request
    sent = sent + 1
  end
  if load.rate and asked > 0 then
    local at = next_due()
    text = text .. "X-Request-ID: " .. string.format("%.6f", at) .. "\r\n"
  end
  if load.key then
    text = text .. "Idempotency-Key: " .. load.key .. sent .. "\r\n"
  end
  text = text .. load.behind[place]
  if load.targets then
    text = text .. load.targets[target_for(place)] .. load.last
  end
  return text
end

function done(summary, latency)
  local sent_in_all = 0
  for _, thread in ipairs(threads) do
    sent_in_all = sent_in_all + thread:get("sent")
  end
  local errors = summary.errors
  print(string.format(
    "SUMMARY %d %d %d %d %d %.3f %.3f", sent_in_all, summary.requests, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000
  ))
end
