import { type Failure, labFailure, lackingFailure } from '../../errors.ts';

/** How a tool was called and what it said at the end. */
export interface ToolReport {
  command: readonly string[];
  /** Without colours and margins. */
  lines: readonly string[];
}

/** Signs of a known cause, in what containerlab and kind print; where each comes from is in the comment. */
const CAUSES: readonly { sign: RegExp; explain: (found: RegExpExecArray, detail: string) => Failure }[] = [
  {
    // kind, pkg/cluster/internal/providers/docker/images.go [seen]
    sign: /failed to pull image "([^"]+)"/i,
    explain: ([, image = ''], detail) => imageFailure(image, detail),
  },
  {
    // containerlab, runtime/docker: an ordinary node's image
    sign: /(?:pull access denied for|manifest for|manifest unknown.*?|No such image:?) ([\w./:@-]+)/i,
    explain: ([, image = ''], detail) => imageFailure(image, detail),
  },
  {
    // kind, pkg/cluster/internal/create/create.go alreadyExists
    sign: /node\(s\) already exist for a cluster with the name "([^"]+)"/i,
    explain: ([, cluster = ''], detail) => nameFailure(cluster, detail),
  },
  {
    // kind, "Known issues": inotify
    sign: /too many open files|could not find a log line that matches/i,
    explain: (_, detail) =>
      labFailure('a node did not start: this machine has too few inotify watches or instances', {
        detail,
        remedy: 'sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512',
      }),
  },
  {
    // Docker's address pools are used up
    sign: /non-overlapping IPv4 address pool/i,
    explain: (_, detail) =>
      labFailure('Docker has no network left to give', { detail, remedy: 'docker network prune' }),
  },
  {
    // containerlab, utils/sudo.go
    sign: /requires root privileges|not part of containerlab admin group|a password is required|not in the sudoers/i,
    explain: (_, detail) =>
      lackingFailure('containerlab needs root', {
        detail,
        remedy: 'run wglab where sudo can ask for your password, or as root',
      }),
  },
  {
    // containerlab, utils/kernel_module.go [seen on a kernel without modules]
    sign: /open \/proc\/modules/i,
    explain: (_, detail) =>
      lackingFailure('containerlab does not run on this kernel, which has no loadable modules', {
        detail,
        remedy: '--engine embedded does without',
      }),
  },
  {
    // runc, where Docker's own root lacks a capability [seen]
    sign: /unable to apply caps/i,
    explain: (_, detail) =>
      lackingFailure('Docker may not make privileged containers here, which nodes are', {
        detail,
        remedy: 'run Docker outside of this container, or --engine embedded',
      }),
  },
  {
    // kind keeps Docker's own words to itself [seen]
    sign: /command "docker run [^"]*--privileged [^"]*?(\S+)" failed with error: exit status 12[567]/i,
    explain: ([, image = ''], detail) =>
      labFailure('Docker could not start the container of a node', {
        detail,
        remedy: `docker run --rm --privileged --entrypoint true ${image} tells why; so may wglab doctor`,
      }),
  },
  {
    sign: /Cannot connect to the Docker daemon/i,
    explain: (_, detail) => lackingFailure('Docker does not answer', { detail, remedy: 'sudo systemctl start docker' }),
  },
];

/** Explains a failed run of containerlab, with its command line and last words. */
export function explainRun({ command, lines }: ToolReport): Failure {
  const detail = detailOf({ command, lines });
  // The error block is wrapped to the width of a terminal: a name may be split over two lines of it.
  const text = `${lines.join('\n')}\n${lines.join(' ')}`;
  for (const { sign, explain } of CAUSES) {
    const found = sign.exec(text);
    if (found) return explain(found, detail);
  }
  return labFailure('containerlab could not make the lab', { detail, remedy: 'wglab doctor' });
}

/** How many of its last lines a tool is quoted with. */
const QUOTED = 12;

export function detailOf({ command, lines }: ToolReport): string {
  return [`$ ${command.join(' ')}`, ...lines.slice(-QUOTED)].join('\n');
}

/** An image that is neither here nor to be had. */
export function imageFailure(image: string, detail?: string): Failure {
  return labFailure(`the image ${image} is not here and cannot be pulled`, {
    ...(detail === undefined ? {} : { detail }),
    remedy:
      'wglab pull fetches all images of a lab where there is a network; ' +
      '`wglab pull --save FILE` there and `wglab pull --load FILE` here carry them over',
  });
}

/** Another's cluster has the name that this lab's would have. */
export function nameFailure(name: string, detail?: string): Failure {
  return labFailure(`there is a kind cluster or containerlab lab "${name}" already, which is not this lab's`, {
    ...(detail === undefined ? {} : { detail }),
    remedy: 'wglab deploy --name ANOTHER, or take that one away (docker ps --all shows its containers)',
  });
}
