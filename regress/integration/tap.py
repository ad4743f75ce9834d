# Test Anything Protocol, in a few lines.  A test is a function; what it
# raises is its failure.
import sys, traceback

count = failed = 0


class Skip(Exception):
    pass


def test(name, fn, *args):
    global count, failed
    count += 1
    try:
        fn(*args)
        print("ok %d - %s" % (count, name))
    except Skip as e:
        print("ok %d - %s # SKIP %s" % (count, name, e))
    except Exception:
        failed += 1
        print("not ok %d - %s" % (count, name))
        for line in traceback.format_exc().splitlines():
            print("# " + line)
    sys.stdout.flush()


def done():
    print("1..%d" % count)
    print("%d passed, %d failed" % (count - failed, failed))
    # A name that no test has is not a test that passes.
    sys.exit(1 if failed or count == 0 else 0)


def eq(a, b, what=""):
    if a != b:
        raise AssertionError("%s: %r is not %r" % (what, a, b))


def has(text, *needles):
    for n in needles:
        if n not in text:
            raise AssertionError("%r is not in: %s" % (n, text))
