//! Values that are no task.

use prismq::Queue;

struct NoTask;

fn enqueue(queue: &Queue) {
    queue.enqueue(NoTask);
    queue.enqueue(&NoTask);
    queue.enqueue("mail");
    queue.enqueue_all([NoTask]);
}

fn main() {}
