"""Tasks for tests, served by the example's worker: python3 python-tasks.py <folder of worker.py> <redis url> <name>"""
import os, sys, time
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from worker import serve

def begun(): print('begun', flush=True)

def echo(value, order): return value

def flaky(value, order):
    if order['failures'] < 2: raise ValueError(f"no, {order['attempt']}")
    return order['attempt']

def refuse(value, order):
    error = PermissionError('never')
    error.is_final = True
    raise error

def sleep(value, order):
    begun()
    time.sleep(60)

def hold(path, order):
    """Until there is a file; says who had the task in the end, and which attempt it was."""
    begun()
    while not os.path.exists(path): time.sleep(0.02)
    return f"{sys.argv[3]} {order['attempt']}"

serve(sys.argv[2], 'python', {f'{function.__name__}/run': function for function in (echo, flaky, refuse, sleep, hold)})
