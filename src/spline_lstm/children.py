"""Child processes that end soon after their parent, for whatever reason the parent ends."""

import os
import threading
import time


def end_with_parent(parent: int) -> None:
    """Let this process end soon after its parent.

    Args:
        parent: Process id of the parent, which may have ended already.

    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
