// The REST contract of docs/api.md, as far as the pages use it. A value that is not known is null.

export interface Envelope<T> {
  data: T;
  count: number;
  totalCount: number;
  status: { status: string; message: string; nextCursor: string | null; totalCountExact?: boolean };
}

export interface Status {
  profileLogs: number;
  postLogs: number;
  profiles: number;
  posts: number;
  firstDate: string | null;
  lastDate: string | null;
  publication: { snapshotId: string; finishedAt: string } | null;
}

export interface Meta {
  platforms: string[];
  /** First days of months, newest first. */
  months: string[];
  categories: string[];
  languages: string[];
}

export interface LeaderboardRow {
  rank: number;
  previousRank: number | null;
  platform: string;
  platformProfileId: string;
  handle: string | null;
  title: string | null;
  thumbnailUrl: string | null;
  country: string | null;
  category: string | null;
  language: string | null;
  followers: number | null;
  followersChange: number | null;
  views: number | null;
  viewsChange: number | null;
  uploads: number | null;
  /** Percent. */
  engagementRate: number | null;
}

export interface TopPost {
  rank: number;
  platform: string;
  shortcode: string;
  platformProfileId: string;
  title: string | null;
  channelTitle: string | null;
  category: string | null;
  thumbnailUrl: string | null;
  publishedAt: string | null;
  firstDate: string;
  lastDate: string;
  firstViews: number | null;
  lastViews: number | null;
  viewsGrowth: number | null;
  likesGrowth: number | null;
  commentsGrowth: number | null;
}

export interface SearchRow {
  platform: string;
  platformProfileId: string;
  handle: string | null;
  title: string | null;
  thumbnailUrl: string | null;
  country: string | null;
  category: string | null;
  language: string | null;
  followers: number | null;
  views: number | null;
  uploads: number | null;
  engagementRate: number | null;
  publishedAt: string | null;
}

export interface Growth {
  followers: number | null;
  views: number | null;
  uploads: number | null;
  startDate: string;
  endDate: string;
}

export interface RankSet {
  followersRank: number | null;
  followersChangeRank: number | null;
  viewsRank: number | null;
  viewsChangeRank: number | null;
  followersRankByCategory: number | null;
  followersChangeRankByCategory: number | null;
  viewsRankByCategory: number | null;
  viewsChangeRankByCategory: number | null;
}

export interface Profile {
  platform: string;
  platformProfileId: string;
  handle: string | null;
  title: string | null;
  description: string | null;
  thumbnailUrl: string | null;
  country: string | null;
  category: string | null;
  language: string | null;
  followers: number | null;
  views: number | null;
  uploads: number | null;
  engagementRate: number | null;
  publishedAt: string | null;
  observedAt: string | null;
  growth: Partial<Record<string, Growth | null>> | null;
  ranks: (RankSet & { month: string; previous: RankSet | null }) | null;
}

export interface ContentRow {
  platform: string;
  shortcode: string;
  title: string | null;
  thumbnailUrl: string | null;
  publishedAt: string | null;
  category: string | null;
  durationSeconds: number | null;
  views: number | null;
  likes: number | null;
  comments: number | null;
  viewsGrowth: number | null;
  engagementRate: number | null;
}

export interface Post {
  platform: string;
  shortcode: string;
  platformProfileId: string;
  channelTitle: string | null;
  channelHandle: string | null;
  title: string | null;
  description: string | null;
  tags: string[] | null;
  category: string | null;
  thumbnailUrl: string | null;
  publishedAt: string | null;
  durationSeconds: number | null;
  views: number | null;
  likes: number | null;
  comments: number | null;
  engagementRate: number | null;
  observedAt: string | null;
  growth: { firstDate: string; lastDate: string; views: number | null; likes: number | null; comments: number | null } | null;
}

/** One day; `gap` is a day nobody looked, its values those of the day before. */
export interface ProfilePoint {
  date: string;
  gap: boolean;
  followers: number | null;
  views: number | null;
  uploads: number | null;
}

export interface PostPoint {
  date: string;
  gap: boolean;
  views: number | null;
  likes: number | null;
  comments: number | null;
}
