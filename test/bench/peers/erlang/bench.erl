%% Peer: Erlang/OTP, the model of all this. Run with one scheduler: erl -noshell +S 1:1 -pa DIR -run bench main w2 1000000
%% Prints the line that the benchmark apps print.
-module(bench).
-export([main/1, double/1]).

main([Workload, Size]) ->
    N = list_to_integer(Size),
    Run = run(list_to_atom(Workload)),
    _ = Run(max(1000, N div 50 div 1000 * 1000)),
    erlang:garbage_collect(),
    Started = erlang:monotonic_time(microsecond),
    {Operations, Value} = Run(N),
    Us = erlang:monotonic_time(microsecond) - Started,
    Shown = case Value of rate -> Operations * 1000000 / Us; _ -> Value end,
    io:format("{\"w\":\"~s\",\"sys\":\"erlang\",\"n\":~b,\"total_ms\":~f,\"value\":~f}~n", [Workload, N, Us / 1000, Shown * 1.0]),
    halt(0).

run(w1) -> fun w1/1;
run(w2) -> fun w2/1;
run(w3) -> fun w3/1;
run(w4) -> fun w4/1;
run(w5) -> fun w5/1;
run(w6) -> fun w6/1;
run(w7) -> fun w7/1;
run(w7t) -> fun w7/1;
run(w10) -> fun w10/1.

sum(N) -> N * (N + 1) div 2.

%% Spawns N processes that wait for one message, answer it and end.
w1(N) ->
    Me = self(),
    Pids = [spawn(fun() -> receive {go, I} -> Me ! {done, I} end end) || _ <- lists:seq(1, N)],
    send_each(Pids, 1),
    Expected = sum(N),
    Expected = collect(N, 0),
    {N, rate}.

send_each([], _) -> ok;
send_each([Pid | Rest], I) -> Pid ! {go, I}, send_each(Rest, I + 1).

collect(0, Sum) -> Sum;
collect(N, Sum) -> receive {done, I} -> collect(N - 1, Sum + I) end.

%% One message in flight between two processes.
w2(N) ->
    Ponger = spawn(fun pong/0),
    Trips = N div 2,
    Trips = ping(Ponger, Trips, 0),
    Ponger ! stop,
    {N, rate}.

pong() -> receive {ping, From, I} -> From ! {pong, I}, pong(); stop -> ok end.

ping(_, 0, Hits) -> Hits;
ping(Ponger, I, Hits) ->
    Ponger ! {ping, self(), I},
    receive {pong, I} -> ping(Ponger, I - 1, Hits + 1) end.

%% A token goes round a ring of 1,000.
w3(N) ->
    Me = self(),
    First = spawn(fun() -> ring_node(undefined, Me) end),
    Last = lists:foldl(fun(_, Next) -> spawn(fun() -> ring_node(Next, Me) end) end, First, lists:seq(1, 999)),
    First ! {next, Last},
    First ! {token, N},
    receive done -> ok end,
    First ! stop,
    {N, rate}.

ring_node(Next, Driver) ->
    receive
        {next, Other} -> ring_node(Other, Driver);
        {token, 1} -> Driver ! done, ring_node(Next, Driver);
        {token, Left} -> Next ! {token, Left - 1}, ring_node(Next, Driver);
        stop when Next =:= undefined -> ok;
        stop -> Next ! stop, ok
    end.

%% 100 senders of fresh maps to one receiver that sums; Erlang copies each, but for the payload of 100 bytes, which it shares.
w4(N) ->
    Me = self(),
    Each = N div 100,
    Receiver = spawn(fun() -> Me ! {total, add_items(Each * 100, 0)} end),
    [spawn(fun() -> send_items(Receiver, binary:copy(<<"x">>, 100), 1, Each) end) || _ <- lists:seq(1, 100)],
    Expected = 100 * sum(Each),
    receive {total, Expected} -> ok end,
    {Each * 100, rate}.

send_items(_, _, I, Each) when I > Each -> ok;
send_items(Receiver, Payload, I, Each) ->
    Receiver ! {item, #{id => I, name => <<"sender">>, ts => 1700000000000 + I, payload => Payload}},
    send_items(Receiver, Payload, I + 1, Each).

add_items(0, Sum) -> Sum;
add_items(N, Sum) -> receive {item, #{id := Id}} -> add_items(N - 1, Sum + Id) end.

%% Bytes of a process that waits.
w5(N) ->
    Before = erlang:memory(total),
    Pids = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, N)],
    Bytes = (erlang:memory(total) - Before) / N,
    [Pid ! stop || Pid <- Pids],
    {N, Bytes}.

%% A monitored process crashes; its end is seen; the next one starts.
w6(N) ->
    logger:set_primary_config(level, none),
    N = crash(N, 0),
    {N, rate}.

crash(0, Crashed) -> Crashed;
crash(N, Crashed) ->
    {Pid, Ref} = spawn_monitor(fun() -> receive boom -> error(boom) end end),
    Pid ! boom,
    receive {'DOWN', Ref, process, Pid, {boom, _}} -> crash(N - 1, Crashed + 1) end.

%% Three producers, one consumer that waits for any of them or a timeout. Erlang's receive has no bounded channels: the
%% producers are asked for the next 64 when those before have been read. Its timeout is a fresh one each time.
w7(N) ->
    Me = self(),
    Shares = [N * 4 div 10, N * 3 div 10, N - N * 4 div 10 - N * 3 div 10],
    [spawn(fun() -> produce(Me, Tag, 1, Share) end) || {Tag, Share} <- lists:zip([a, b, c], Shares)],
    Expected = lists:sum([sum(Share) || Share <- Shares]),
    Expected = consume(N, 0),
    {N, rate}.

produce(_, _, I, Share) when I > Share -> ok;
produce(To, Tag, I, Share) ->
    To ! {Tag, I, self()},
    case I rem 64 of
        0 when I < Share -> receive more -> ok end;
        _ -> ok
    end,
    produce(To, Tag, I + 1, Share).

consume(0, Sum) -> Sum;
consume(N, Sum) ->
    receive
        {_, I, From} when I rem 64 =:= 0 -> From ! more, consume(N - 1, Sum + I);
        {_, I, _} -> consume(N - 1, Sum + I)
    after 60000 -> exit(timeout)
    end.

%% A function called by a name known only at run time.
w10(N) ->
    Expected = 2 * sum(N),
    Expected = calls(bench, double, N, 0),
    {N, rate}.

calls(_, _, 0, Sum) -> Sum;
calls(Module, Function, I, Sum) ->
    #{result := Result} = Module:Function(#{n => I, name => <<"alice">>}),
    calls(Module, Function, I - 1, Sum + Result).

double(#{n := N, name := Name}) -> #{result => N * 2, name => Name}.
