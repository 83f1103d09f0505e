/** Returns a promise's value, or `otherwise` after `ms`. */
export async function within<T>(ms: number, promise: Promise<T> | undefined, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  try {
    return await Promise.race([promise ?? Promise.resolve(otherwise), late]);
  } finally {
    clearTimeout(timer);
  }
}
